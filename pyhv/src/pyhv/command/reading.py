# Verbs around the book: the book itself, notebooks, labs and their checks, and the doctor.
"""`hv book notebook lab check doctor`."""

import importlib.util
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from pyhv import build
from pyhv import doctor as examination
from pyhv.command.shared import Json, app, line, say, tell
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
    try:
        raise typer.Exit(subprocess.run(words, check=False).returncode)
    except KeyboardInterrupt:
        return


def _one_of(folder: Path, name: str, ending: str) -> Path:
    path = folder / f"{name.removesuffix(ending)}{ending}"
    if not path.exists():
        there = " ".join(sorted(other.stem for other in folder.glob(f"*{ending}")))
        raise WrongArgument(f"there is no {name!r} in {folder.name}/; there are: {there}")
    return path


def _lab(chapter: str, file: str) -> Path:
    """Return a file of a chapter's lab. Raises WrongArgument, and Failure where it has none yet."""
    if chapter not in chapters():
        raise WrongArgument(f"{chapter} is no chapter; they are {' '.join(chapters())}")
    path = ROOT / "chapters" / chapter / file
    if not path.exists():
        raise Failure(f"the chapter {chapter} has no lab yet: there is no {path.relative_to(ROOT)}")
    return path


@app.command()
def lab(chapter: Chapter, json: Json = False) -> None:
    """Read a chapter's lab on this terminal."""
    from rich.markdown import Markdown

    text = _lab(chapter, "lab.md").read_text()
    tell({"chapter": chapter, "lab": text}, json, lambda told: say.print(Markdown(text)))


@app.command()
def check(chapter: Chapter, json: Json = False) -> None:
    """Run the check of a chapter's lab; ends with its status."""
    words = [str(_lab(chapter, "check"))]
    done = subprocess.run(words, cwd=ROOT, capture_output=json, text=True, check=False)
    told = {"chapter": chapter, "passed": done.returncode == 0, "said": done.stdout}
    tell(told, json, lambda told: line(
        f"{chapter}: {'passed' if told['passed'] else 'not yet'}"))
    raise typer.Exit(done.returncode)
