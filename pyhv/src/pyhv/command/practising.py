# The verbs of the labs: list them, hand one out, and say what is right of it already.
"""`hv lab check`."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.status import Status

from pyhv import labs
from pyhv.command.shared import Json, app, line, say, table, tell
from pyhv.errors import Failure, WrongArgument
from pyhv.machine import ENGINES
from pyhv.paths import chapters
from pyhv.show import Row


def _complete_lab(beginning: str) -> list[str]:
    names = [lab.name for lab in labs.all_labs()]
    return [name for name in [*names, *chapters()] if name.startswith(beginning)]


Word = Annotated[str, typer.Argument(
    metavar="LAB", autocompletion=_complete_lab,
    help="A lab by its name, or a chapter, for all of its labs.")]
Seed = Annotated[int, typer.Option(
    min=1, help="Which variant of the lab. 1 is the book's, whose answer the source holds; each "
                "other one has rules of its own, and numbers that are drawn anew.")]
LABS = Path("labs")
"""Where a reader's copies are, unless another folder is named."""


@app.command()
def lab(
    name: Annotated[str | None, typer.Argument(
        metavar="LAB", autocompletion=_complete_lab, show_default=False,
        help="A lab by its name, or a chapter, for all of its labs. Without it they are listed.",
    )] = None,
    folder: Annotated[Path, typer.Argument(
        metavar="FOLDER", help="Where your copies are: each lab has a folder of its name in it.",
    )] = LABS,
    seed: Seed = 1, json: Json = False,
) -> None:
    """List the labs, or hand one out: what to build, and a copy with holes in it, yours to fill.

    [bold]hv lab memory-map[/bold] makes the folder labs/memory-map: lab.md says what to build and
    why, and the functions without a body in the other files are yours to write, in an editor of
    your choice. [bold]hv check memory-map[/bold] says what is right already.

    A copy that is there is never written over. To begin anew, move it away or name another FOLDER.
    """
    if name is None:
        rows = [one.row() for one in labs.all_labs()]
        return tell(rows, json, lambda _: _show_labs(rows))
    found = labs.find(name)
    handed = [_hand_out(one, folder / one.name, seed) for one in found]

    def show(_: object) -> None:
        if len(found) == 1:
            say.print(Markdown(handed[0]["text"]))
        for one in handed:
            made = "is yours to fill" if one["new"] else (
                "is as you left it; to begin anew, move it away, or name another folder")
            line(f"{one['folder']} {made}")

    tell(handed, json, show)


def _show_labs(rows: list[Row]) -> None:
    say.print(table(rows))
    line("hv lab NAME hands one out, hv check NAME says what is right of it already.")
    line("T0 needs no emulator, T1 boots in QEMU, or in Bochs: hv doctor says what is here.")


def _hand_out(one: labs.Lab, where: Path, seed: int) -> dict[str, Any]:
    made = labs.prepare(one, where, seed)
    return {"lab": one.name, "folder": str(where), "files": [Path(name).name for name in one.files],
            "new": made, "text": (where / "lab.md").read_text() if made else one.text(seed)}


@app.command()
def check(
    name: Word,
    folders: Annotated[list[Path] | None, typer.Argument(
        metavar="FOLDER…", show_default=False,
        help="Whose copies: the folder that hv lab was given (labs, unless named), several of "
             "them, or one that holds a folder for each member of a class.",
    )] = None,
    seed: Seed = 1,
    engine: Annotated[str, typer.Option(
        help="Where the emulated points run: svm in QEMU, or vmx in Bochs.")] = "svm",
    json: Json = False,
) -> None:
    """Check a lab, point by point: what was expected, what came, and a hint where they differ.

    The hosted points come first. When all are reached, the emulated ones boot the hypervisor with
    your files in it, or your guest on it. Ends with status 1 while a point is open.

    [bold]hv check memory-map --json class/[/bold] grades class/ann/memory-map,
    class/ben/memory-map …
    """
    if engine not in ENGINES:
        raise WrongArgument(f"there is no engine {engine!r}: it is {' or '.join(ENGINES)}")
    checked = []
    for one, copy in _copies(labs.find(name), folders or [LABS]):
        with Console(stderr=True).status(f"{copy}", refresh_per_second=4) as doing:
            checked.append(labs.check(one, copy, seed, engine, _telling(doing, copy)))
        if not json:
            _show_checked(checked[-1])
    if json:
        tell([_as_json(each, engine) for each in checked], True, print)
    raise typer.Exit(0 if all(each.whole for each in checked) else 1)


def _copies(found: list[labs.Lab], folders: list[Path]) -> list[tuple[labs.Lab, Path]]:
    """Return the copies in some folders; of a chapter's labs, those that were handed out."""
    copies: list[tuple[labs.Lab, Path]] = []
    for one in found:
        for folder in folders:
            try:
                copies += [(one, copy) for copy in labs.works(one, folder)]
            except Failure:
                if len(found) == 1 or (one == found[-1] and not copies):
                    raise
    return copies


def _telling(doing: Status, copy: Path) -> Callable[[str], object]:
    return lambda what: doing.update(f"{copy}: {what}")


def _show_checked(each: labs.Checked) -> None:
    say.print(table([_row(point) for point in each.points], str(each.copy)))
    for point in each.points:
        if point.hint:
            line(f"{point.name}: {point.hint}")
        if point.details:
            line(point.details)
    line(f"{each.copy}: {each.reached} of {len(each.points)} points")


def _as_json(each: labs.Checked, engine: str) -> dict[str, Any]:
    return {"lab": each.lab.name, "folder": str(each.copy), "seed": each.seed, "engine": engine,
            "reached": each.reached, "of": len(each.points),
            "points": [asdict(point) for point in each.points]}


def _row(point: labs.Point) -> dict[str, str]:
    return {"Point": point.name, "Reached": "yes" if point.reached else "not yet",
            "Expected": point.expected, "Came": point.actual}
