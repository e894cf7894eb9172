# Where things are in the tree, and the order of the chapters.
"""Paths of the repository, and the chapters in their order."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build"
DOWNLOADS = BUILD / "downloads"


def chapters() -> list[str]:
    """Return the names of the chapters, first to last, from `chapters/order`."""
    lines = (ROOT / "chapters" / "order").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
