# Draws the README's picture: what the tour really printed, as a terminal shows it. Run it anew
# when the tour has other things to say: build/venv/bin/python book/preface/picture.py
"""Run the tour, unattended, and save some of its lines as run.svg; the hypervisor's are bold."""

import io
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

WIDTH = 104
PICTURE = Path(__file__).with_name("run.svg")
FONT = re.compile(r"\s*@font-face \{.*?\}", re.S)
# The lines that are shown, in the order in which the tour says them.
SHOWN = (
    r"I run\. .*", r"I walk my own page tables now.*", r"My engine is .*", r"I gave dom0 .*",
    r"dom0> create hello .*", r"hello is d1", r"dom0> create linux .*", r"linux is d2",
    r"dom0> list", r"Name +ID .*", r"Domain-0 .*", r"hello  .*", r"linux  .*",
    r"linux# uname -sr", r"Linux 6\..*", r"linux# cat /sys/hypervisor/type", r"xen", r"poweroff",
    r"I take d2 apart\..*", r"d2 is gone\..*", r"tour: ok",
)


def told() -> list[str]:
    """Run the tour, and return all that it prints."""
    done = subprocess.run([sys.executable, "-m", "pyhv.tour", "--batch"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=True)
    return done.stdout.splitlines()


def shown(lines: list[str]) -> list[str]:
    """Return the lines to show. Ends the program where the tour does not say one of them."""
    rest = iter(lines)
    found = []
    for pattern in SHOWN:
        line = next((line for line in rest if re.fullmatch(pattern, line)), None)
        if line is None:
            sys.exit(f"the tour did not say, in its place: {pattern}")
        found.append(line.expandtabs())
    return found


def draw(lines: list[str], where: Path) -> None:
    """Write the picture; it names no font of the network's."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in lines:
        style = "bold" if line.startswith(("I ", "My ", "d2 ")) else ""
        console.print(Text(line, style))
    svg = console.export_svg(title="./chapters/tour", theme=DEFAULT_TERMINAL_THEME)
    where.write_text(FONT.sub("", svg))


if __name__ == "__main__":
    draw(shown(told()), PICTURE)
