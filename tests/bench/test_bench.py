# The bench as a test: exact, never worse than it was, and Xen beside it.
"""Our figures repeat to the instruction, and a goal that was met once stays met."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SILENT = str.isascii


@pytest.fixture(scope="session")
def measured() -> tuple[dict, dict]:
    """Run the meter twice on Subfloor."""
    import compare

    return compare.measure_ours(SILENT), compare.measure_ours(SILENT)


def test_two_runs_agree_to_the_instruction(measured) -> None:
    assert measured[0] == measured[1]


def test_every_row_has_a_goal_or_says_why_none() -> None:
    import figures

    for name, row in figures.definitions().items():
        assert ("goal" in row) != ("why" in row), f"{name}: a goal, or why there is none"


def test_every_operation_has_a_row(measured) -> None:
    import figures

    assert set(measured[0]) <= set(figures.definitions())


def test_what_was_reached_is_kept(measured) -> None:
    import figures

    worse = [
        f"{name}: {figure.median:g}, at most {figures.limit(name):g}"
        for name, figure in measured[0].items()
        if figures.limit(name) is not None and figure.median > figures.limit(name)
    ]
    assert not worse, "\n".join(worse)


def test_real_xen_runs_the_same_guest() -> None:
    subprocess.run([HERE / "compare"], stdin=subprocess.DEVNULL, check=True)
