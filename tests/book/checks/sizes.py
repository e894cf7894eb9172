"""Sizes: the house stays small enough to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from quoting.house import code_lines
from quoting.symbols import Index

from . import listing

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
USUAL_FUNCTION = 40
WIDEST_LINE = 100


def check(top: Path) -> list[str]:
    """Every promise of size that is broken, and every exception that is no longer needed."""
    return check_totals(top) + check_lengths(top) + check_widths(top)


def total(top: Path, folders: tuple[str, ...]) -> int:
    """Lines of code of some folders."""
    return sum(code_lines(path) for path in listing.sources(top, *folders))


def functions(index: Index, longer_than: int) -> list[tuple[int, str, str]]:
    """Functions by length: lines, name and place, the longest first."""
    found = [
        (s.last - s.first + 1, s.name, f"hv/{s.file}:{s.first}")
        for s in index.symbols
        if s.kind == "function"
    ]
    return sorted((f for f in found if f[0] > longer_than), reverse=True)


def check_functions(top: Path, index: Index) -> list[str]:
    """Functions that are too long to be one idea, unless they are named with a reason."""
    allowed = listing.exceptions(top).get("functions", {})
    long = functions(index, LONGEST_FUNCTION)
    wrong = []
    for lines, name, where in long:
        most = allowed.get(name, {}).get("lines", LONGEST_FUNCTION)
        if lines > most:
            wrong.append(f"{where}: {name} has {lines} lines, at most {most}")
    needed = {name for _, name, _ in long}
    spare = sorted(set(allowed) - needed)
    return wrong + [f"{name} is an exception that is not needed" for name in spare]


@dataclass
class Part:
    """A part of the house, and how large it may be."""

    folders: tuple[str, ...]
    lines: int
    promise: int

    def sentence(self) -> str:
        """How far it is from its promise."""
        words = f"{' and '.join(self.folders)}: {self.lines} lines of code, promised {self.promise}"
        if self.lines <= self.promise:
            return f"{words}, so {self.promise - self.lines} are left"
        return f"{words}, so {self.lines - self.promise} too many"


def parts(top: Path) -> list[Part]:
    """The parts that have a promise of size, counted."""
    found = []
    for rule in listing.exceptions(top).get("totals", {}).values():
        folders = tuple(rule["folders"])
        found.append(Part(folders, total(top, folders), rule["promise"]))
    return found


def check_totals(top: Path) -> list[str]:
    """Parts of the house that have outgrown their promise."""
    return [part.sentence() for part in parts(top) if part.lines > part.promise]


def check_lengths(top: Path) -> list[str]:
    """Files that are too long to be one room, unless they are named with a reason."""
    allowed = listing.exceptions(top).get("files", {})
    wrong, needed = [], set()
    for path in listing.sources(top):
        name = path.relative_to(top).as_posix()
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE:
            needed.add(name)
            if lines > allowed.get(name, {}).get("lines", LONGEST_FILE):
                wrong.append(f"{name}: {lines} lines, at most {LONGEST_FILE}")
    spare = sorted(set(allowed) - needed)
    return wrong + [f"{name} is an exception that is not needed" for name in spare]


def check_widths(top: Path) -> list[str]:
    """Files with lines that do not fit."""
    wrong = []
    for path in listing.sources(top):
        rows = path.read_text(encoding="utf-8").splitlines()
        wide = [str(number) for number, row in enumerate(rows, 1) if len(row) > WIDEST_LINE]
        if wide:
            name = path.relative_to(top).as_posix()
            wrong.append(f"{name}: wider than {WIDEST_LINE} columns in line {', '.join(wide)}")
    return wrong
