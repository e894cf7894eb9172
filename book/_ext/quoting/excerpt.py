"""Cuts excerpts from the source: whole symbols, parts between steps, and classes as skeletons."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from .symbols import Index, QuoteError, Symbol


@dataclasses.dataclass(frozen=True)
class Excerpt:
    """Some lines of one symbol; `lines` are as they are shown."""

    symbol: Symbol
    first: int
    last: int
    lines: tuple[str, ...]

    @property
    def numbers(self) -> range:
        """The source lines that it tells."""
        return range(self.first, self.last + 1)


def cut(
    index: Index,
    symbol: Symbol,
    start: str = "",
    until: str = "",
    doc: bool = False,
    elsewhere: Collection[Symbol] = (),
) -> Excerpt:
    """The lines of a symbol from the step `start` up to the step `until`; members told elsewhere
    keep their heads only."""
    lines = index.lines(symbol.file)
    first = find_step(lines, symbol, start) if start else symbol.first
    last = find_step(lines, symbol, until) - 1 if until else symbol.last
    if first > last:
        raise QuoteError(f"in {symbol.title} the step '{until}' does not come after '{start}'")
    while last > first and not lines[last - 1].strip():
        last -= 1
    if doc and not start:
        first = symbol.doc
    hidden = [m for m in index.members(symbol) if m in elsewhere and first <= m.first <= last]
    return Excerpt(symbol, first, last, tuple(_dedent(_skeleton(lines, first, last, hidden))))


def step(index: Index, symbol: Symbol, title: str) -> Excerpt:
    """The lines of one step: to the next comment at its depth, or to the end of its block."""
    lines = index.lines(symbol.file)
    first = find_step(lines, symbol, title)
    depth = _indent(lines[first - 1])
    last = first
    in_title = True
    while last < symbol.last:
        text = lines[last]
        is_comment = text.lstrip().startswith("//")
        in_title = in_title and is_comment
        if text.strip() and (
            _indent(text) < depth or (is_comment and not in_title and _indent(text) == depth)
        ):
            break
        last += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return Excerpt(symbol, first, last, tuple(_dedent(lines[first - 1 : last])))


def find_step(lines: list[str], symbol: Symbol, title: str) -> int:
    """The only line whose comment begins with `title`, else the only one whose code does."""
    inside = range(symbol.first, symbol.last + 1)
    found = [n for n in inside if _comment(lines[n - 1]).startswith(title)]
    found = found or [n for n in inside if lines[n - 1].strip().startswith(title)]
    if len(found) != 1:
        raise QuoteError(f"{symbol.title} has {len(found) or 'no'} steps called '{title}'")
    return found[0]


def _comment(line: str) -> str:
    """The text of a line that is a comment, else nothing."""
    text = line.strip()
    for mark in ("///", "//", "#", "/*"):
        if text.startswith(mark):
            return text[len(mark) :].strip().removesuffix("*/").strip()
    return ""


def _skeleton(lines: list[str], first: int, last: int, hidden: list[Symbol]) -> list[str]:
    shown: list[str] = []
    number = first
    while number <= last:
        member = next((m for m in hidden if m.first == number), None)
        if member is None:
            shown.append(lines[number - 1])
            number += 1
            continue
        text = "\n".join(lines[member.first - 1 : member.last])
        end = ";" if member.kind != "function" else ""
        shown += (
            (text[: text.index("{")].rstrip() + " { /* … */ }" + end).split("\n")
            if "{" in text
            else [text]
        )
        number = member.last + 1
    return shown


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _dedent(lines: list[str]) -> list[str]:
    depth = min((_indent(line) for line in lines if line.strip()), default=0)
    return [line[depth:] for line in lines]
