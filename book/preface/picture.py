# Draws the README's picture: what the tour really printed, as a terminal shows it. Run it anew
# when the tour has other things to say: build/venv/bin/python book/preface/picture.py
"""Run the tour, unattended, and save its words as run.svg."""

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

WIDTH = 100
MOST_LINES = 34
PICTURE = Path(__file__).with_name("run.svg")
FONT = re.compile(r"\s*@font-face \{.*?\}", re.S)


def told() -> list[str]:
    """Run the tour, and return its lines from the machine's first one on."""
    done = subprocess.run([sys.executable, "-m", "pyhv.tour", "--batch"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=True)
    lines = done.stdout.splitlines()
    first = next(n for n, line in enumerate(lines) if "ready after" in line)
    return lines[first + 1 :]


def shown(lines: list[str]) -> list[str]:
    """Return what fits in the picture: the beginning and the end; a gap says what is left out."""
    if len(lines) <= MOST_LINES:
        return lines
    end = MOST_LINES // 3
    begin = MOST_LINES - end - 1
    return [*lines[:begin], f"… {len(lines) - begin - end} lines more …", *lines[-end:]]


def draw(lines: list[str], where: Path) -> None:
    """Write the picture; it names no font of the network's."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in lines:
        style = "bold" if line.startswith("tour: ") else ""
        console.print(Text(line, style), no_wrap=True, overflow="ellipsis")
    svg = console.export_svg(title="./chapters/tour", theme=DEFAULT_TERMINAL_THEME)
    where.write_text(FONT.sub("", svg))


if __name__ == "__main__":
    draw(shown(told()), PICTURE)
