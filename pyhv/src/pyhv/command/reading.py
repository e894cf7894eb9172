# Verbs around the book: the book itself, notebooks, and the doctor.
"""`hv book notebook doctor`."""

import importlib.util
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pyhv import build, notebooks
from pyhv import doctor as examination
from pyhv.command.shared import Json, app, line, say, tell
from pyhv.errors import Failure, WrongArgument
from pyhv.paths import BUILD, ROOT

BOOK = BUILD / "book" / "html" / "index.html"
PRINTED = BUILD / "book" / "subfloor.pdf"
NOTEBOOKS = ROOT / "notebooks"


@app.command()
def doctor(json: Json = False) -> None:
    """Name the tiers that this machine offers, the versions found, and what is missing.

    T0 runs the chapters' code as a program, T1 the image in QEMU and Bochs, T2 on real hardware.
    Ends with status 1 where T0 or T1 lacks something.
    """
    tiers = examination.examine()
    tell([tier.as_json() for tier in tiers], json, lambda _: examination.tell(tiers, say.print))
    raise typer.Exit(0 if all(tier.available for tier in tiers[:2]) else 1)


@app.command()
def book(
    anew: Annotated[bool, typer.Option("--build", help="Build it anew first.")] = False,
    pdf: Annotated[bool, typer.Option("--pdf", help="Open it as it is printed.")] = False,
    json: Json = False,
) -> None:
    """Open the book in a browser; the first time builds it."""
    file = PRINTED if pdf else BOOK
    if anew or not file.exists():
        build.with_progress(["book"])
    opened = not json and webbrowser.open(file.as_uri())
    tell({"book": str(file)}, json, lambda told: line(
        f"opened {told['book']}" if opened else f"the book is {told['book']}"))


@app.command()
def notebook(
    name: Annotated[str | None, typer.Argument(
        help="One of them, such as domains; all are shown beside it.", show_default=False)] = None,
) -> None:
    """Open the notebooks in JupyterLab. Ctrl-C ends it."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise Failure("JupyterLab is not installed: pip install './pyhv[notebooks]'")
    if not NOTEBOOKS.is_dir():
        raise Failure(f"there are no notebooks in {NOTEBOOKS}")
    words = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={NOTEBOOKS}"]
    if name:
        words.append(str(_one_of(NOTEBOOKS, name, ".ipynb")))
    if os.geteuid() == 0:
        words.append("--allow-root")
    try:
        done = subprocess.run(words, env=notebooks.environment(), check=False)
        raise typer.Exit(done.returncode)
    except KeyboardInterrupt:
        return


def _one_of(folder: Path, name: str, ending: str) -> Path:
    path = folder / f"{name.removesuffix(ending)}{ending}"
    if not path.exists():
        there = " ".join(sorted(other.stem for other in folder.glob(f"*{ending}")))
        raise WrongArgument(f"there is no {name!r} in {folder.name}/; there are: {there}")
    return path
