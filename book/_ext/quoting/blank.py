"""Blanks functions by name, so that a lab can hand out the source with holes in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from . import cxx
from .symbols import Index, QuoteError, Symbol


def blank(index: Index, holes: Mapping[str, str]) -> dict[str, str]:
    """For each file touched, its text with each named function's body replaced by the given lines.

    An empty text leaves an empty body.
    """
    cuts: dict[str, list[tuple[Symbol, str]]] = {}
    for name, text in holes.items():
        symbol = index.find_one(name)
        if symbol.body is None:
            raise QuoteError(
                f"{symbol.title} is a {symbol.kind} without a body, it cannot be blanked"
            )
        cuts.setdefault(symbol.file, []).append((symbol, text))
    return {file: _apply((index.root / file).read_bytes(), found) for file, found in cuts.items()}


def _apply(source: bytes, cuts: list[tuple[Symbol, str]]) -> str:
    """Cut from the end backwards, so that earlier offsets stay true."""
    for symbol, text in sorted(cuts, key=lambda cut: cut[0].body or (0, 0), reverse=True):
        assert symbol.body is not None
        start, end = symbol.body
        line = (
            source.rfind(b"\n", 0, source.rfind(b"\n", 0, end) + 1)
            if b"\n" in source[start:end]
            else start
        )
        closing = source[source.rfind(b"\n", 0, end) + 1 : end - 1]
        margin = closing.decode() if not closing.strip() and line != start else ""
        body = "".join(f"\n{margin}    {row}" if row else "\n" for row in text.splitlines())
        source = source[:start] + f"{{{body}\n{margin}}}".encode() + source[end:]
    return source.decode()


def blank_files(root: Path, files: Iterable[str], holes: Mapping[str, str]) -> dict[str, str]:
    """For each file of the tree `root`, hv/ or chapters/, its text with the holes that lie in it.

    Only these files are read, so that it takes a second or two.
    """
    arguments = [*cxx.flags(root), f"-I{root.parent / 'hv'}"]
    contents = [cxx.read(root / file, root, arguments) for file in files]
    index = Index(root, (symbol for content in contents for symbol in content[0]))
    whole = {file: (root / file).read_text(encoding="utf-8") for file in files}
    return whole | blank(index, holes)
