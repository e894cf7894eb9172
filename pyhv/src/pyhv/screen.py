# A machine's screen and keyboard: the letters that it shows, and the keys that a person presses.
"""Read a frame buffer by recognising its font's glyphs, exactly; type on a PS/2 keyboard."""

import re
import time
from pathlib import Path

from pyhv.emulator import Emulator
from pyhv.errors import Failure
from pyhv.font import HEIGHT, WIDTH, glyphs
from pyhv.monitor import Monitor
from pyhv.speed import scaled

# What hv/boot/screen.hpp shows at most.
MOST_COLUMNS, MOST_ROWS = 160, 64
UNKNOWN = "\ufffd"
# A pixel is one of two colours, or the picture is no text of ours.
INK = bytes(ord({0: "0", 255: "1"}.get(value, "x")) for value in range(256))

NAMES = {
    " ": "spc", "\n": "ret", "-": "minus", "=": "equal", "[": "bracket_left",
    "]": "bracket_right", ";": "semicolon", "'": "apostrophe", "`": "grave_accent",
    "\\": "backslash", ",": "comma", ".": "dot", "/": "slash",
}
UNSHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./", strict=True))
# The controller keeps 16 bytes, and a key with shift is four.
KEYS_AT_ONCE = 4


def _cells() -> dict[str, str]:
    """Return each letter by its pixels; a cell with the cursor is the letter inverted."""
    found = {}
    for letter, rows in glyphs().items():
        pixels = "".join(f"{row:0{WIDTH}b}" for row in rows)
        found[pixels] = letter
        found[pixels.translate({ord("0"): "1", ord("1"): "0"})] = letter
    return found


CELLS = _cells()


def recognise(picture: bytes) -> list[str]:
    """Return the lines of text in a picture of QEMU's (PPM), without blanks at their ends."""
    header = re.match(rb"P6\s(\d+) (\d+)\s255\s", picture)
    if not header:
        raise ValueError("the picture is no PPM of three bytes a pixel")
    width, height = int(header[1]), int(header[2])
    # One byte of three is enough: white and black have all three alike
    red = picture[header.end()::3].translate(INK).decode()
    lines = []
    for row in range(min(height // HEIGHT, MOST_ROWS)):
        strips = [red[(row * HEIGHT + y) * width:][:width] for y in range(HEIGHT)]
        cells = (
            "".join(strip[column * WIDTH:(column + 1) * WIDTH] for strip in strips)
            for column in range(min(width // WIDTH, MOST_COLUMNS))
        )
        lines.append("".join(CELLS.get(cell, UNKNOWN) for cell in cells).rstrip())
    return lines


class Screen:
    """The screen and the keyboard of a running machine, which must have a monitor."""

    def __init__(self, machine: Emulator, pictures: Path) -> None:
        if not machine.machine.monitor:
            raise ValueError("a machine without a monitor shows nobody its screen")
        self.machine = machine
        self.monitor = Monitor(machine.machine.monitor)
        self._file = pictures / "screen.ppm"
        self._picture = b""
        self._lines: list[str] = []

    def lines(self) -> list[str]:
        """Return what is on the screen now."""
        self.monitor.ask("screendump", filename=str(self._file))
        picture = self._file.read_bytes()
        if picture != self._picture:
            self._picture, self._lines = picture, recognise(picture)
        return self._lines

    def expect(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until the screen shows what the regular expression describes; return the match.

        The text ends with the cursor's line, so `\\Z` is where the cursor is after a prompt.
        """
        end = time.monotonic() + scaled(timeout)
        while True:
            text = "\n".join(self.lines()).rstrip("\n")
            if found := re.search(pattern, text):
                return found
            if time.monotonic() > end:
                failure = self.machine.failure(f"waited {scaled(timeout):.0f} s for {pattern!r}")
                raise Failure(failure.reason, f"--- the screen ---\n{text}\n{failure.details}")
            time.sleep(0.1)

    def press(self, *keys: str) -> None:
        """Press keys together, by QEMU's names for them, and let them go."""
        order = [(True, name) for name in keys] + [(False, name) for name in reversed(keys)]
        # In one command: the last press may have turned the machine off
        self.monitor.ask("input-send-event", events=[
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}
            for down, name in order
        ])

    def press_letter(self, letter: str) -> None:
        """Press what types this letter on a US keyboard."""
        shift = letter.isupper() or letter in UNSHIFTED
        key = UNSHIFTED.get(letter, letter).lower()
        self.press(*["shift"][:shift], NAMES.get(key, key))

    def type(self, text: str) -> None:
        """Type a line and Return; each letter must be echoed before long."""
        for start in range(0, len(text), KEYS_AT_ONCE):
            for letter in text[start:start + KEYS_AT_ONCE]:
                self.press_letter(letter)
            self.expect(re.escape(text[:start + KEYS_AT_ONCE].rstrip()) + r"\Z")
        self.press_letter("\n")
