"""A Sphinx extension that quotes the source by name and keeps one home for every symbol."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

    from .homes import Registry


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the directives, and settle all homes before the first page is read."""
    from . import directives, pages, runs

    app.add_directive("source", directives.Source)
    app.add_directive("show-again", directives.ShowAgain)
    app.add_directive("shelf", directives.Shelf)
    app.add_directive("voice", directives.Voice)
    app.add_directive("chapters", pages.Chapters)
    app.add_directive("homeless", pages.Homeless)
    app.add_directive("house", pages.House)
    app.add_directive("run", runs.Run)
    app.add_role("ran", runs.Ran())
    app.add_role("sym", directives.symbol_role)
    app.connect("builder-inited", _settle)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def complete_folders(book: Path) -> list[str]:
    """The folders of `hv/` in which a symbol without a home is a fault."""
    return tomllib.loads((book / "homes.toml").read_text())["complete"]


def _settle(app: Sphinx) -> None:
    """Index the source, read all pages, and say what is wrong."""
    from sphinx.util import logging

    from . import fences, homes, tree

    book = Path(app.srcdir)
    root = book.parent / "hv"
    index, doubtful = tree.build(root, Path(app.outdir).parent / "quoting")
    registry = homes.register(index, fences.read_book(book), complete_folders(book))
    log = logging.getLogger(__name__)
    for line in doubtful:
        log.info("the extents of a file are doubtful: %s", line)
    for fault in registry.faults:
        log.warning("%s", fault)
    app.env.quoting = registry  # type: ignore[attr-defined]


def digest(root: Path, registry: Registry) -> str:
    """Sum up the source and where each symbol lives: it differs when either does."""
    told = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            told.update(f"{path}\n".encode() + path.read_bytes())
    for home in sorted(f"{h.page} {h.anchor}" for homes in registry.homes.values() for h in homes):
        told.update(f"{home}\n".encode())
    return told.hexdigest()


def _outdated(app: Sphinx, env: BuildEnvironment, *_: object) -> list[str]:
    """All pages when that sum has changed: any may quote a symbol, or lead to it."""
    before = getattr(env, "quoting_digest", "")
    now = digest(Path(app.srcdir).parent / "hv", env.quoting)  # type: ignore[attr-defined]
    env.quoting_digest = now  # type: ignore[attr-defined]
    return [] if before == now else list(env.found_docs)
