# The reader of screens, tried on pictures drawn here.
"""Tests of the glyphs and of their recognition."""

import pytest

from pyhv.font import FIRST, HEIGHT, LAST, WIDTH, glyphs
from pyhv.screen import UNKNOWN, recognise

LETTERS = "".join(map(chr, range(ord(FIRST), ord(LAST) + 1)))


def draw(lines: list[str], columns: int, inverted: tuple[int, int] | None = None) -> bytearray:
    """Return a picture of the text; the cell `inverted` (line, column) is the cursor's."""
    known = glyphs()
    pixels = bytearray()
    for row, line in enumerate(lines):
        for y in range(HEIGHT):
            for column, letter in enumerate(line.ljust(columns)):
                bits = known[letter][y] ^ (0xFF if (row, column) == inverted else 0)
                for x in range(WIDTH):
                    pixels += bytes(3) if not bits << x & 0x80 else b"\xff\xff\xff"
    header = f"P6\n{columns * WIDTH} {len(lines) * HEIGHT}\n255\n"
    return bytearray(header.encode()) + pixels


def test_every_letter_differs():
    assert len(set(glyphs().values())) == len(LETTERS) == 95


def test_it_reads_every_letter_and_the_cursor():
    lines = [LETTERS[:40], LETTERS[40:80], LETTERS[80:], "dom0> "]
    assert recognise(bytes(draw(lines, 40, (3, 6)))) == [line.rstrip() for line in lines]


@pytest.mark.parametrize("value", [255, 128])
def test_one_wrong_pixel_is_noticed(value):
    picture = draw(["I run."], 8)
    # The first pixel of the first letter, which is black
    picture[-8 * WIDTH * HEIGHT * 3] = value
    assert recognise(bytes(picture)) == [UNKNOWN + " run."]
