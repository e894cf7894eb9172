"""Draws the map of the house: one room for each folder of `hv/`, with its size in lines of code."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path

from . import tree

WIDTH, HEIGHT, GAP, MARGIN = 158, 62, 10, 10
SAYS = {
    "base": "types, locks, printing",
    "x86": "registers, tables, traps",
    "vmx": "Intel's engine",
    "svm": "AMD's engine",
    "boot": "waking the machine",
    "domains": "life and the run loop",
    "grants": "lent pages",
    "events": "doorbells",
    "credit2": "whose turn it is",
    "ballooning": "memory given back",
    "migration": "moving house",
    "failures": "how things end",
}


@dataclasses.dataclass(frozen=True)
class Room:
    """One folder of the source."""

    name: str
    files: int
    lines: int

    @property
    def size(self) -> str:
        """Its size, in words."""
        return f"{self.files} files, {self.lines:,} lines" if self.files else "not built yet"


def code_lines(path: Path) -> int:
    """Lines of code: neither blank nor only a comment."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    mark = "#" if path.suffix == ".py" else "//"
    rows = (row.strip() for row in text.splitlines())
    return sum(1 for row in rows if row and not row.startswith(mark))


def rooms(top: Path) -> list[Room]:
    """The rooms from the ground up: base, x86, the engines, then the chapters in their order."""
    chapters = (top / "chapters" / "order").read_text().split()
    found = []
    for name in ["base", "x86", "vmx", "svm", *chapters]:
        paths = tree.files(top / "hv" / name) if (top / "hv" / name).is_dir() else []
        lines = sum(code_lines(path) for path in paths)
        found.append(Room(name, len(paths), lines))
    return found


def draw(found: list[Room]) -> str:
    """The drawing as SVG, with a title and a description made of the same numbers."""
    floors = [found[:2], found[2:4], found[4:8], found[8:]]
    width = 4 * WIDTH + 3 * GAP + 2 * MARGIN
    height = len(floors) * HEIGHT + (len(floors) - 1) * GAP + 2 * MARGIN
    told = "; ".join(f"{room.name}: {room.size}" for room in found)
    parts = [
        f'<svg class="house-map" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Map of the house, from the ground up. {html.escape(told)}.">'
    ]
    for level, floor in enumerate(floors):
        y = height - MARGIN - HEIGHT - level * (HEIGHT + GAP)
        wide = (width - 2 * MARGIN - (len(floor) - 1) * GAP) / len(floor)
        parts += [_room(room, MARGIN + at * (wide + GAP), y, wide) for at, room in enumerate(floor)]
    return "".join(parts) + "</svg>"


def _room(room: Room, x: float, y: float, width: float) -> str:
    """One room: dashed while nothing stands in it."""
    style = "room" if room.files else "room room-empty"
    middle = x + width / 2
    return (
        f'<g class="{style}"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="{HEIGHT}" rx="2"/>'
        f'<text class="room-name" x="{middle:g}" y="{y + 20:g}">{room.name}</text>'
        f'<text x="{middle:g}" y="{y + 37:g}">{SAYS[room.name]}</text>'
        f'<text class="room-size" x="{middle:g}" y="{y + 53:g}">{room.size}</text></g>'
    )
