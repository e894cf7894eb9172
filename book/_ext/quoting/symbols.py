"""What the book can quote: symbols with their extents, and the index that finds them by name."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Iterable
from pathlib import Path

#: Kinds that may be shelved by a pattern: tables of numbers, where one sentence serves all.
PATTERN_KINDS = frozenset({"variable", "macro", "alias"})

#: Kinds whose members are told with them unless they are told elsewhere.
CLASS_KINDS = frozenset({"class"})


class QuoteError(Exception):
    """A name or an anchor that does not lead to source."""


@dataclasses.dataclass(frozen=True)
class Symbol:
    """One definition in the source; lines are counted from 1 and both ends belong to it."""

    name: str
    kind: str
    file: str
    first: int
    last: int
    signature: str = ""
    doc: int = 0
    """First line of the comment that belongs to it; equal to `first` when it has none."""
    body: tuple[int, int] | None = None
    """Byte offsets of a function's braces: the opening one, and one past the closing one."""
    defined: bool = True
    linkage: str = ""
    """The name that the linker sees, for functions and variables."""

    @property
    def title(self) -> str:
        """The qualified name with the signature that tells it from its overloads."""
        return self.name + self.signature

    @property
    def folder(self) -> str:
        """The folder of `hv/` that it lives in (`x86`, `domains` …), or "." for `hv/` itself."""
        parts = Path(self.file).parts
        return parts[0] if len(parts) > 1 else "."

    def contains(self, other: Symbol) -> bool:
        """True when the other symbol's lines lie strictly inside this one's."""
        inside = self.file == other.file and self.first <= other.first and other.last <= self.last
        return inside and (self.first, self.last) != (other.first, other.last)


@dataclasses.dataclass(frozen=True)
class State:
    """A variable that can change and that no object owns: what `hv/` must not have."""

    name: str
    file: str
    line: int


def squeeze(signature: str) -> str:
    """A signature without spaces, so that `(int &)` and `(int&)` are one."""
    return re.sub(r"\s+", "", signature)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A name as a page writes it: `name`, `name(signature)`, `name(*)`; for twins `… @ file`."""

    name: str
    signature: str | None
    file: str | None

    @classmethod
    def parse(cls, text: str) -> Wanted:
        """Split what a page wrote; operators keep their parentheses."""
        text, _, file = (part.strip() for part in text.partition(" @ "))
        match = re.fullmatch(r"(.*?(?:operator\(\))?)(\(.*\)(?:\s*const)?)?", text)
        assert match is not None
        return cls(match[1].strip(), match[2], file or None)

    def is_in(self, file: str) -> bool:
        """True when the file is the one that this name gives, if it gives one."""
        return not self.file or ("/" + file).endswith("/" + self.file)

    def accepts(self, symbol: Symbol) -> bool:
        """True when the symbol is one that this name may mean."""
        if symbol.name != self.name:
            return False
        if not self.is_in(symbol.file):
            return False
        if self.signature is None or squeeze(self.signature) == "(*)":
            return True
        return squeeze(self.signature) == squeeze(symbol.signature)


class Index:
    """All symbols of a tree, with the text that they are quoted from."""

    def __init__(self, root: Path, symbols: Iterable[Symbol], states: Iterable[State] = ()) -> None:
        self.root = root
        self.states = sorted(set(states), key=lambda s: (s.file, s.line))
        everything = sorted(set(symbols), key=lambda s: (s.file, s.first, s.last, s.name))
        self.symbols = _drop_prototypes(everything)
        self._by_name: dict[str, list[Symbol]] = {}
        self._by_file: dict[str, list[Symbol]] = {}
        for symbol in self.symbols:
            self._by_name.setdefault(symbol.name, []).append(symbol)
            self._by_file.setdefault(symbol.file, []).append(symbol)
        self._lines: dict[str, list[str]] = {}

    def lines(self, file: str) -> list[str]:
        """The lines of a file of the tree, without their ends."""
        if file not in self._lines:
            self._lines[file] = (self.root / file).read_text(encoding="utf-8").split("\n")
        return self._lines[file]

    def find(self, text: str) -> list[Symbol]:
        """The symbols that a page's name means: one, or all overloads for `name(*)`."""
        wanted = Wanted.parse(text)
        found = [s for s in self._by_name.get(wanted.name, []) if wanted.accepts(s)]
        if not found:
            raise QuoteError(f"no symbol is called {text}{self._hint(wanted)}")
        if len(found) > 1 and not (wanted.signature and squeeze(wanted.signature) == "(*)"):
            choices = "; ".join(f"{s.title} @ {s.file}" for s in found)
            raise QuoteError(f"{text} means several symbols, say which: {choices}")
        return found

    def find_one(self, text: str) -> Symbol:
        """The one symbol that a page's name means."""
        found = self.find(text)
        if len(found) != 1:
            raise QuoteError(f"{text} means {len(found)} symbols where one is needed")
        return found[0]

    def match(self, pattern: str) -> list[Symbol]:
        """The numbers, macros and aliases whose names match a pattern with `*`."""
        found = [
            s
            for s in self.symbols
            if s.kind in PATTERN_KINDS and fnmatch.fnmatchcase(s.name, pattern)
        ]
        if not found:
            raise QuoteError(f"no constant, macro or alias matches {pattern}")
        return found

    def members(self, symbol: Symbol) -> list[Symbol]:
        """The symbols whose lines lie inside a class."""
        if symbol.kind not in CLASS_KINDS:
            return []
        return [s for s in self._by_file[symbol.file] if symbol.contains(s)]

    def _hint(self, wanted: Wanted) -> str:
        tail = wanted.name.rsplit("::", 1)[-1]
        near = sorted({s.title for s in self.symbols if s.name.rsplit("::", 1)[-1] == tail})
        return f" (is it {' or '.join(near[:4])}?)" if near else ""


def _drop_prototypes(symbols: list[Symbol]) -> list[Symbol]:
    """Leave out declarations whose definition stands elsewhere: they count with their neighbour."""
    defined = {s.title for s in symbols if s.defined}
    linked = {s.name for s in symbols if s.kind == "label"}
    return [s for s in symbols if s.defined or (s.title not in defined and s.linkage not in linked)]
