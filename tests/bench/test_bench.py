# The bench as a test: exact, never worse than it was, and Xen beside it.
"""Our figures repeat to the instruction, and a goal that was met once stays met."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SILENT = str.isascii
ENGINES = ("svm", "vmx")


def measure(engine: str) -> dict:
    """Run the meter on Subfloor."""
    import compare

    return compare.measure_ours(SILENT, engine)


@pytest.fixture(scope="session", params=ENGINES)
def measured(request) -> tuple[str, dict]:
    """Run the meter once on an engine, and say on which."""
    return request.param, measure(request.param)


def test_two_runs_agree_to_the_instruction(measured) -> None:
    engine, figures = measured
    assert measure(engine) == figures


@pytest.mark.parametrize("engine", ENGINES)
def test_every_row_has_a_goal_or_says_why_none(engine) -> None:
    import figures

    for name, row in figures.definitions(engine).items():
        assert "goal" in row or "why" in row, f"{name}: a goal, or why there is none"


def test_every_operation_has_a_row(measured) -> None:
    import figures

    engine, here = measured
    assert set(here) <= set(figures.definitions(engine))


def test_what_was_reached_is_kept(measured) -> None:
    import figures

    engine, here = measured
    limits = {name: figures.limit(name, engine) for name in here}
    worse = [
        f"{name}: {figure.median:g}, at most {limits[name]:g}"
        for name, figure in here.items()
        if limits[name] is not None and figure.median > limits[name]
    ]
    assert not worse, "\n".join(worse)


@pytest.mark.parametrize("engine", ["svm", pytest.param("vmx", marks=pytest.mark.long)])
def test_real_xen_runs_the_same_guest(engine) -> None:
    words = [HERE / "compare", "--engine", engine]
    subprocess.run(words, stdin=subprocess.DEVNULL, check=True)
