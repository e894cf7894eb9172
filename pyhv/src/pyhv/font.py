# The screen's letters: GNU Unifont, as GRUB's package brings it in GRUB's own format.
"""Read the glyphs of a PFF2 font; by itself, print them as C++.

The format is GRUB's: "PUPA Font Format" in its developers' manual. Numbers are big-endian.
"""

import struct
import sys
from pathlib import Path

FONT = Path("/usr/share/grub/ascii.pf2")
FIRST, LAST = " ", "~"
WIDTH, HEIGHT = 8, 16


def _sections(content: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        name, size = struct.unpack_from(">4sI", content, at)
        if name == b"DATA":
            break
        found[name] = content[at + 8:at + 8 + size]
        at += 8 + size
    return found


def _glyph(content: bytes, at: int, ascent: int) -> bytes:
    """Return the rows of one glyph, a byte each, the leftmost pixel on top."""
    width, height, left, bottom = struct.unpack_from(">HHhh", content, at)
    rows = [0] * HEIGHT
    for number in range(width * height):
        # The bits follow each other, without a gap between rows
        if content[at + 10 + number // 8] << number % 8 & 0x80:
            row, column = divmod(number, width)
            rows[ascent - bottom - height + row] |= 0x80 >> left + column
    return bytes(rows)


def glyphs(font: Path = FONT) -> dict[str, bytes]:
    """Return the glyph of each printable letter of ASCII: 16 rows of 8 pixels."""
    content = font.read_bytes()
    sections = _sections(content)
    ascent = struct.unpack(">H", sections[b"ASCE"])[0]
    places = {chr(code): at for code, _, at in struct.iter_unpack(">IBI", sections[b"CHIX"])}
    letters = map(chr, range(ord(FIRST), ord(LAST) + 1))
    return {letter: _glyph(content, places[letter], ascent) for letter in letters}


def main(font: str) -> None:
    """Print the table for hv/boot/glyphs.hpp.in."""
    rows = (", ".join(map(str, glyph)) for glyph in glyphs(Path(font)).values())
    print(",\n".join(f"    {{{numbers}}}" for numbers in rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
