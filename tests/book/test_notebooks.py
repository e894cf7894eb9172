"""The notebooks: each runs from top to bottom, says what it needs, and keeps no outputs in git."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from notebooks import as_markdown

from pyhv import errors, notebooks

NAMES = notebooks.names()
PICTURE = "image/png"


@pytest.fixture(params=NAMES)
def written(request) -> nbformat.NotebookNode:
    return nbformat.read(notebooks.HERE / f"{request.param}.ipynb", 4)


@pytest.fixture(params=NAMES, scope="module")
def ran(request) -> nbformat.NotebookNode:
    return nbformat.read(notebooks.run(request.param), 4)


def test_there_are_those_that_are_promised():
    assert {"boot", "domains", "tour"} <= set(NAMES)


def test_git_keeps_no_outputs(written):
    for cell in written.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


def test_the_first_words_name_the_tier(written):
    first = written.cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert re.search(r"\bT[01]\b", first.source)


def test_it_runs_from_top_to_bottom_and_shows_something(ran):
    code = [cell for cell in ran.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum(bool(cell.outputs) for cell in code) > len(code) / 2


def test_its_figures_say_in_words_what_they_show(ran):
    """A cell with a picture is followed by words: a figure is never alone."""
    pictures = [at for at, cell in enumerate(ran.cells) if cell.cell_type == "code"
                and any(PICTURE in output.get("data", {}) for output in cell.outputs)]
    assert pictures
    for at in pictures:
        assert ran.cells[at + 1].cell_type == "markdown"


def test_a_run_is_kept_until_something_changes(ran):
    assert ran.metadata["subfloor"] in {notebooks.digest(name) for name in NAMES}


def test_a_cell_that_fails_is_named(tmp_path: Path, monkeypatch):
    broken = nbformat.v4.new_notebook()
    broken.cells = [nbformat.v4.new_code_cell("1 + 1"), nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(broken, tmp_path / "broken.ipynb")
    monkeypatch.setattr(notebooks, "HERE", tmp_path)
    monkeypatch.setattr(notebooks, "RUNS", tmp_path / "runs")
    with pytest.raises(errors.Failure, match="broken: a cell fails: ZeroDivisionError"):
        notebooks.run("broken")
    assert not list((tmp_path / "runs").glob("*"))
    with pytest.raises(errors.Failure, match="no notebook gone; there are: broken"):
        notebooks.run("gone")


def test_a_table_brings_no_style_of_its_own(tmp_path: Path):
    table = {"text/html": "<style scoped>\n a {}\n\n b {}\n</style>\n<table></table>"}
    output = nbformat.v4.new_output("execute_result", table)
    cell = nbformat.v4.new_code_cell("table", outputs=[output])
    kept = tmp_path / "kept.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), kept)
    text = as_markdown(kept)
    assert "<table></table>" in text and "style" not in text
