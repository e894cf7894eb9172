# Where things are in the tree, and the order of the chapters.
"""Paths of the repository, and the chapters in their order."""

import json
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse


def _root() -> Path:
    """Return the tree that this file stands in or, once installed, was installed from."""
    around = Path(__file__).resolve().parents[3]
    if (around / "chapters" / "order").exists():
        return around
    try:
        origin = json.loads(metadata.distribution("pyhv").read_text("direct_url.json") or "{}")
    except metadata.PackageNotFoundError:
        return around
    return Path(unquote(urlparse(origin.get("url", "")).path)).parent


ROOT = _root()
BUILD = ROOT / "build"
DOWNLOADS = BUILD / "downloads"


def chapters() -> list[str]:
    """Return the names of the chapters, first to last, from `chapters/order`."""
    lines = (ROOT / "chapters" / "order").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
