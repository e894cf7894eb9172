"""Reads the quoting directives out of the book's pages, so that tests need no Sphinx."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

QUOTES = {"source", "show-again"}
KNOWN = QUOTES | {"shelf", "voice"}
PROSE = {"paragraph_open", "bullet_list_open", "ordered_list_open"}


@dataclasses.dataclass(frozen=True)
class Fence:
    """One directive of a page."""

    page: str
    line: int
    kind: str
    argument: str
    options: tuple[tuple[str, str], ...]
    body: str
    after_prose: bool
    """True when prose stands between this quote and the one before it."""

    def option(self, name: str) -> str:
        """An option's text, or nothing."""
        return dict(self.options).get(name, "")

    def has(self, name: str) -> bool:
        """True when an option is given, with or without a text."""
        return name in dict(self.options)

    @property
    def where(self) -> str:
        """Page and line, as a compiler would print them."""
        return f"{self.page}.md:{self.line}"


@dataclasses.dataclass(frozen=True)
class Page:
    """What one page of the book quotes and says."""

    name: str
    fences: tuple[Fence, ...]
    words: int

    @property
    def chapter(self) -> str:
        """The chapter or interlude that the page belongs to: its folder."""
        return self.name.split("/")[0]


@dataclasses.dataclass(frozen=True)
class ShelfEntry:
    """Names that share one sentence on the shelf."""

    names: tuple[str, ...]
    sentence: str


def read_book(book: Path) -> list[Page]:
    """All pages of the book, in the order of their paths."""
    found = []
    for path in sorted(book.rglob("*.md")):
        name = path.relative_to(book).with_suffix("").as_posix()
        if not name.startswith("_"):
            found.append(read_page(name, path.read_text(encoding="utf-8")))
    return found


def read_page(name: str, text: str) -> Page:
    """The quoting directives of one page, and its number of words."""
    fences: list[Fence] = []
    words = 0
    prose = True
    for token in MarkdownIt().parse(text):
        if token.type in PROSE:
            prose = True
        elif token.type == "inline":
            words += len(token.content.split())
        elif token.type == "fence" and (fence := _fence(name, token, prose)):
            words += len(fence.body.split()) if fence.kind in {"voice", "shelf"} else 0
            prose = prose and fence.kind not in QUOTES
            fences.append(fence)
    return Page(name, tuple(fences), words)


def read_shelf(body: str) -> list[ShelfEntry]:
    """The entries of a shelf: names with `;` between them, then `: ` and a sentence."""
    found: list[ShelfEntry] = []
    names: list[str] = []
    sentence: list[str] = []
    for line in [*body.splitlines(), ""]:
        if line.startswith(": "):
            sentence = [line[2:].strip()]
        elif sentence and line.startswith("  "):
            sentence.append(line.strip())
        else:
            if sentence:
                found.append(ShelfEntry(tuple(names), " ".join(sentence)))
                names, sentence = [], []
            names += [name.strip() for name in line.split(";") if name.strip()]
    if names:
        found.append(ShelfEntry(tuple(names), ""))
    return found


def _fence(page: str, token: Token, prose: bool) -> Fence | None:
    match = re.match(r"\{([\w-]+)\}\s*(.*)", token.info.strip())
    if not match or match[1] not in KNOWN:
        return None
    rows = token.content.splitlines()
    options = []
    while rows and (row := re.match(r":([\w-]+):\s*(.*)", rows[0])):
        options.append((row[1], row[2].strip()))
        rows.pop(0)
    line = token.map[0] + 1 if token.map else 0
    return Fence(
        page, line, match[1], match[2].strip(), tuple(options), "\n".join(rows).strip("\n"), prose
    )
