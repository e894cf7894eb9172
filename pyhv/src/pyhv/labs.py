# Labs: the reader's copy with holes in it, and the check that says what is right already.
"""Hand out a chapter's lab, and check what a reader made of it.

A lab is three files of its chapter's folder: `lab.md` says what to build and why, `lab.py` is a
solution, whose functions the reader gets without their bodies, and `check.py` has a generator for
each point, which yields what it expects, and then what came.
"""

import ast
import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pyhv.errors import Failure, WrongArgument
from pyhv.paths import ROOT, chapters
from pyhv.speed import scaled

GUESTS = "guest.py"
LONGEST = 60.0
"""Seconds for all points of a lab, on the machine that timeouts are written for."""


@dataclass
class Point:
    """One point of a lab: what was expected, what came, and a hint where they differ."""

    name: str
    expected: str
    actual: str
    reached: bool
    hint: str = ""


def file(chapter: str, name: str) -> Path:
    """Return a file of a chapter's lab. Raises WrongArgument, and Failure where it has none yet."""
    if chapter not in chapters():
        raise WrongArgument(f"{chapter} is no chapter; they are {' '.join(chapters())}")
    path = ROOT / "chapters" / chapter / name
    if not path.exists():
        raise Failure(f"the chapter {chapter} has no lab yet: there is no {path.relative_to(ROOT)}")
    return path


def blanked(text: str) -> str:
    """Return a program whose functions have kept their first line and docstring, and no body.

    >>> print(blanked('def half(x):\\n    "Halve."\\n    # By shifting\\n    return x >> 1\\n'))
    def half(x):
        "Halve."
        raise NotImplementedError("this body is yours to write")
    <BLANKLINE>
    """
    lines = text.splitlines(keepends=True)
    functions = [node for node in ast.parse(text).body
                 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in reversed(functions):
        docstring = function.body[0]
        lines[docstring.end_lineno : function.end_lineno] = [
            '    raise NotImplementedError("this body is yours to write")\n']
    return "".join(lines)


def prepare(chapter: str, where: Path) -> Path:
    """Put the reader's copy of a chapter's lab into the folder `where`, which is made.

    Raises Failure where a copy is already: what a reader wrote is never written over.
    """
    text = blanked(file(chapter, "lab.py").read_text())
    guests = where / GUESTS
    if guests.exists():
        raise Failure(f"{guests} is there, and stays as it is: name another folder, or move it")
    try:
        where.mkdir(parents=True, exist_ok=True)
        guests.write_text(text)
    except OSError as error:
        raise Failure(f"{guests} cannot be written: {error.strerror}") from None
    return guests


def check(chapter: str, where: Path, seed: int = 1) -> list[Point]:
    """Run a chapter's points against the guests in `where`, in a process of their own.

    Guests that cannot be used, or never end, are one point that is not reached. Raises Failure
    where there is no copy.
    """
    guests = where / GUESTS
    if not guests.exists():
        raise Failure(f"there is no {guests}: `hv lab {chapter} {where}` makes one")
    words = [sys.executable, "-m", "pyhv.labs", str(file(chapter, "check.py")), str(guests),
             str(seed)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False,
                              timeout=scaled(LONGEST))
    except subprocess.TimeoutExpired:
        stopped = f"stopped after {scaled(LONGEST):.0f} s"
        return [Point("it ends", "within a minute", stopped, False)]
    if done.returncode != 0:
        return [Point("it can be used", "Python", done.stderr.strip().splitlines()[-1], False)]
    return [Point(**point) for point in json.loads(done.stdout.splitlines()[-1])]


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _point(run: Callable[..., Iterator[Any]], guests: ModuleType, seed: int) -> Point:
    point = run(guests, random.Random(seed))
    expected = next(point)
    try:
        actual = next(point)
    except NotImplementedError as hole:
        actual = str(hole)
    except Exception as mistake:
        actual = f"{type(mistake).__name__}: {mistake}"
    reached = expected == actual
    return Point(run.__name__.replace("_", " "), str(expected), str(actual), reached,
                 "" if reached else run.__doc__ or "")


def main(check_file: str, guests_file: str, seed: str) -> None:
    """Run all points, and print them as one line of JSON."""
    points = _load(Path(check_file)).POINTS
    guests = _load(Path(guests_file))
    print(json.dumps([asdict(_point(run, guests, int(seed))) for run in points]))


if __name__ == "__main__":
    main(*sys.argv[1:])
