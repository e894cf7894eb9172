# The notebooks: run from top to bottom, and kept as they ran.
"""Run the notebooks of `notebooks/`, for the tests and for the book."""

import hashlib
import os
from pathlib import Path

from pyhv.errors import Failure
from pyhv.paths import BUILD, ROOT
from pyhv.speed import scaled

HERE = ROOT / "notebooks"
RUNS = BUILD / "notebooks"
CELL_TIMEOUT = 300.0
"""Seconds that one cell may take on the reference machine: it may boot a machine, or build one."""
SHOWN = ("hv", "chapters", "pyhv")
"""What a notebook's outputs follow from: a change below these asks for another run."""


def names() -> list[str]:
    """Return the notebooks' names in alphabetical order: "boot", "domains" …"""
    return sorted(path.stem for path in HERE.glob("*.ipynb"))


def digest(name: str) -> str:
    """Return a hash of a notebook and of all sources that it can show."""
    found = hashlib.sha256((HERE / f"{name}.ipynb").read_bytes())
    for folder in SHOWN:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()


def environment() -> dict[str, str]:
    """Return the environment for notebooks: the package is found there where it is found here."""
    source = str(Path(__file__).resolve().parents[1])
    return os.environ | {"PYTHONPATH": source, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def run(name: str) -> Path:
    """Run a notebook unless it has run as things are now; return the file that keeps the run.

    Raises Failure with the cell that failed and what it said.
    """
    import nbformat

    if name not in names():
        raise Failure(f"there is no notebook {name}; there are: {', '.join(names())}")
    kept, today = RUNS / f"{name}.ipynb", digest(name)
    if kept.exists() and nbformat.read(kept, 4).metadata.get("subfloor") == today:
        return kept
    notebook = nbformat.read(HERE / f"{name}.ipynb", 4)
    _execute(name, notebook)
    notebook.metadata["subfloor"] = today
    RUNS.mkdir(parents=True, exist_ok=True)
    partly = kept.with_suffix(".part")
    nbformat.write(notebook, partly)
    os.replace(partly, kept)
    return kept


def _execute(name: str, notebook) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook, timeout=int(scaled(CELL_TIMEOUT)), kernel_name="python3",
        resources={"metadata": {"path": str(HERE)}},
    )
    try:
        client.execute(env=environment())
    except CellExecutionError as error:
        raise Failure(f"notebook {name}: a cell fails: {error.ename}: {error.evalue}",
                      str(error)) from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise Failure(f"notebook {name}: {error}") from None
