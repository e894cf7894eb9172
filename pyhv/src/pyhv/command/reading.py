# Verbs around the book: the book itself, notebooks, labs and their checks, and the doctor.
"""`hv book notebook lab check doctor`."""

import importlib.util
import os
import subprocess
import sys
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pyhv import build, labs, notebooks
from pyhv import doctor as examination
from pyhv.command.shared import Json, app, line, say, table, tell
from pyhv.errors import Failure, WrongArgument
from pyhv.paths import BUILD, ROOT, chapters

BOOK = BUILD / "book" / "html" / "index.html"
NOTEBOOKS = ROOT / "notebooks"


def _complete_chapter(beginning: str) -> list[str]:
    return [name for name in chapters() if name.startswith(beginning)]


Chapter = Annotated[str, typer.Argument(metavar="CHAPTER", autocompletion=_complete_chapter,
                                        help="One of the eight; chapters/order names them.")]


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
    json: Json = False,
) -> None:
    """Open the book in a browser; the first time builds it."""
    if anew or not BOOK.exists():
        build.with_progress(["book"])
    opened = not json and webbrowser.open(BOOK.as_uri())
    tell({"book": str(BOOK)}, json, lambda told: line(
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


Folder = Annotated[Path | None, typer.Argument(
    metavar="FOLDER", show_default=False,
    help="Where the copy is; lab-CHAPTER in this folder, unless named.")]


@app.command()
def lab(chapter: Chapter, folder: Folder = None, json: Json = False) -> None:
    """Hand out a chapter's lab: what to build, and a copy with holes in it, yours to fill.

    A copy that is there already is never written over.
    """
    from rich.markdown import Markdown

    text = labs.file(chapter, "lab.md").read_text()
    where = folder or Path(f"lab-{chapter}")
    made = not (where / labs.GUESTS).exists()
    guests = labs.prepare(chapter, where) if made else where / labs.GUESTS

    def show(_: object) -> None:
        say.print(Markdown(text))
        line(f"{guests} is yours to fill" if made else f"{guests} is as you left it")

    tell({"chapter": chapter, "lab": text, "guests": str(guests), "new": made}, json, show)


@app.command()
def check(
    chapter: Chapter,
    folders: Annotated[list[Path] | None, typer.Argument(
        metavar="FOLDER…", show_default=False,
        help="Copies to check, several for a class; lab-CHAPTER in this folder, unless named.",
    )] = None,
    seed: Annotated[int, typer.Option(help="Draws the numbers that the guests are given.")] = 1,
    json: Json = False,
) -> None:
    """Check a chapter's lab, point by point; ends with status 1 while a point is open."""
    copies = folders or [Path(f"lab-{chapter}")]
    checked = {str(where): labs.check(chapter, where, seed) for where in copies}

    def show(_: object) -> None:
        for where, points in checked.items():
            say.print(table([_row(point) for point in points], where))
            for point in points:
                if point.hint:
                    line(f"{point.name}: {point.hint}")
            reached = sum(point.reached for point in points)
            line(f"{where}: {reached} of {len(points)} points")

    tell({where: [asdict(point) for point in points] for where, points in checked.items()}, json,
         show)
    whole = all(point.reached for points in checked.values() for point in points)
    raise typer.Exit(0 if whole else 1)


def _row(point: labs.Point) -> dict[str, str]:
    return {"Point": point.name, "Reached": "yes" if point.reached else "not yet",
            "Expected": point.expected, "Came": point.actual}
