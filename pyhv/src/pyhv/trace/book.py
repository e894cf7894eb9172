# Where in the book an event is explained.
"""Links into the book."""

import functools
import zlib
from pathlib import Path

from pyhv.paths import BUILD

BOOK = BUILD / "book" / "html"


def link_to(chapter: str, section: str) -> str:
    """Return the address of the section with that label, or of its chapter where it has no page.

    It is a file's, where the book has been built here, and a path within the book elsewhere.
    """
    places = _labels(BOOK / "objects.inv")
    place = places.get(section, f"{chapter}/index.html#{section}")
    return f"{BOOK.as_uri()}/{place}" if places else place


@functools.cache
def _labels(inventory: Path) -> dict[str, str]:
    """Return the pages and anchors of the book's labels, as Sphinx keeps them for other books."""
    if not inventory.exists():
        return {}
    # Four lines of text, then compressed ones: name domain:role priority place title
    packed = inventory.read_bytes().split(b"\n", 4)[4]
    lines = (line.split(" ", 4) for line in zlib.decompress(packed).decode().splitlines())
    return {
        name: place.replace("$", name) for name, role, _, place, *_ in lines if role == "std:label"
    }
