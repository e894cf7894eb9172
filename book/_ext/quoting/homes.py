"""Gives every symbol its one home, and finds what is wrong with the book's quotes."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable

from .excerpt import Excerpt, cut, step
from .fences import Fence, Page, read_shelf
from .symbols import Index, QuoteError, Symbol, Wanted

LONGEST_PATH = 700
LONGEST_QUOTE = 25
LONGEST_READING = 90
LONGEST_VOICE = 150
MOST_VOICES = 4
WORDS_PER_MINUTE = 180
LINES_PER_MINUTE = 12
#: Pages of a chapter that have minutes of their own, or none: they are not on its path.
BESIDE_THE_PATH = {"exercises", "cheatsheet"}


@dataclasses.dataclass(frozen=True)
class Home:
    """Where a symbol, or a part of it, is told."""

    symbol: Symbol
    page: str
    where: str
    shelved: bool
    start: str = ""
    until: str = ""
    pattern: str = ""
    """The shelf's pattern that gave it this home, if none gave it by name."""

    @property
    def anchor(self) -> str:
        """The id of the place in its page."""
        return anchor_of(self.symbol)


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something wrong with the book's quotes."""

    kind: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


@dataclasses.dataclass
class Registry:
    """Which symbol lives where, and all that is wrong."""

    index: Index
    homes: dict[Symbol, list[Home]]
    faults: list[Fault]
    quoted: Counter[str]
    minutes: dict[str, float]

    def home(self, symbol: Symbol) -> Home | None:
        """A symbol's own home, or that of the class which tells it."""
        if symbol in self.homes:
            return self.homes[symbol][0]
        around = [s for s in self.homes if s.kind == "class" and s.contains(symbol)]
        return self.homes[max(around, key=lambda s: s.first)][0] if around else None

    def homeless(self) -> list[Symbol]:
        """The symbols that the book does not tell yet."""
        return [s for s in self.index.symbols if self.home(s) is None]

    def excerpt(self, home: Home, doc: bool = False) -> Excerpt:
        """What the page shows at a home."""
        return cut(self.index, home.symbol, home.start, home.until, doc, self.homes)


def anchor_of(symbol: Symbol) -> str:
    """An id that is readable, and differs between overloads and twins."""
    slug = re.sub(r"[^a-z0-9]+", "-", symbol.name.lower()).strip("-")
    return f"{slug}-{hashlib.sha256((symbol.title + symbol.file).encode()).hexdigest()[:6]}"


def register(index: Index, pages: Iterable[Page], complete: Collection[str] = ()) -> Registry:
    """Read all pages and judge them; folders in `complete` must have no symbol without a home."""
    pages = list(pages)
    registry = Registry(index, {}, [], Counter(), {})
    for page in pages:
        for fence in page.fences:
            _guard(registry, fence, _settle)
    for page in pages:
        for fence in page.fences:
            _guard(registry, fence, _settle_patterns)
    _check_homes(registry)
    for page in pages:
        _check_page(registry, page)
    _check_chapters(registry, pages)
    for symbol in registry.homeless():
        if symbol.folder in complete:
            registry.faults.append(
                Fault(
                    "homeless",
                    f"{symbol.file}:{symbol.first}",
                    f"{symbol.title} has no home in the book",
                )
            )
    return registry


def sources(index: Index, fence: Fence) -> list[Symbol]:
    """The symbols that a `source` directive names."""
    found = [s for name in fence.argument.split(";") for s in index.find(name.strip())]
    if len(found) > 1 and (fence.option("from") or fence.option("until")):
        raise QuoteError("a part can be cut from one symbol only")
    return found


def _guard(registry: Registry, fence: Fence, action) -> None:
    """Turn a name or an anchor that leads nowhere into a fault of its page."""
    try:
        action(registry, fence)
    except QuoteError as error:
        registry.faults.append(Fault("unresolved", fence.where, str(error)))


def _settle(registry: Registry, fence: Fence) -> None:
    """Note the homes that a directive gives by name."""
    if fence.kind == "source":
        for symbol in sources(registry.index, fence):
            home = Home(
                symbol, fence.page, fence.where, False, fence.option("from"), fence.option("until")
            )
            registry.homes.setdefault(symbol, []).append(home)
    elif fence.kind == "shelf":
        for entry in read_shelf(fence.body):
            if not entry.sentence:
                registry.faults.append(
                    Fault(
                        "no sentence",
                        fence.where,
                        f"{'; '.join(entry.names)} stands on the shelf without a sentence",
                    )
                )
            for name in entry.names:
                if not is_pattern(name):
                    for symbol in registry.index.find(name):
                        home = Home(symbol, fence.page, fence.where, True)
                        registry.homes.setdefault(symbol, []).append(home)


def _settle_patterns(registry: Registry, fence: Fence) -> None:
    """Note the homes that a shelf's pattern gives: to what has none by name, nor by its class."""
    told = [s for s, homes in registry.homes.items() if s.kind == "class" and not homes[0].pattern]
    for entry in read_shelf(fence.body) if fence.kind == "shelf" else []:
        for name in entry.names:
            if is_pattern(name):
                for symbol in matched(registry.index, name):
                    inside = any(owner.contains(symbol) for owner in told)
                    if symbol not in registry.homes and not inside:
                        registry.homes[symbol] = [
                            Home(symbol, fence.page, fence.where, True, pattern=name)
                        ]


def is_pattern(name: str) -> bool:
    """True for `hv::msr_*`, false for `hv::at(u8 *)` and `hv::operator*`."""
    bare = Wanted.parse(name).name
    return "*" in bare and "operator" not in bare


def matched(index: Index, pattern: str) -> list[Symbol]:
    """What a shelf's pattern means: a room, the members of a class, or a table of constants."""
    wanted = Wanted.parse(pattern)
    owner = wanted.name.removesuffix("::*")
    if wanted.file:
        inside = [s for s in index.symbols if wanted.is_in(s.file)]
    elif owner != wanted.name and any(s.kind == "class" and s.name == owner for s in index.symbols):
        inside = [s for s in index.symbols if s.name.startswith(owner + "::")]
    else:
        return index.match(pattern)
    found = [s for s in inside if wanted.name == "*" or s.name.startswith(owner + "::")]
    if not found:
        raise QuoteError(f"nothing matches {pattern}")
    return found


def _check_homes(registry: Registry) -> None:
    """Every symbol once: parts share a page, do not overlap, and leave nothing out."""
    for symbol, homes in registry.homes.items():
        told: set[int] = set()
        for home in homes:
            try:
                lines = set() if home.shelved else set(registry.excerpt(home).numbers)
            except QuoteError as error:
                registry.faults.append(Fault("unresolved", home.where, str(error)))
                continue
            second = home is not homes[0]
            if second and (
                home.shelved or homes[0].shelved or home.page != homes[0].page or told & lines
            ):
                registry.faults.append(
                    Fault(
                        "two homes",
                        home.where,
                        f"{symbol.title} is told already at {homes[0].where}",
                    )
                )
            told |= lines
        _check_whole(registry, symbol, homes, told)


def _check_whole(registry: Registry, symbol: Symbol, homes: list[Home], told: set[int]) -> None:
    if homes[0].shelved:
        return
    lines = registry.index.lines(symbol.file)
    left = [
        n for n in range(symbol.first, symbol.last + 1) if n not in told and lines[n - 1].strip()
    ]
    if left:
        registry.faults.append(
            Fault(
                "not whole",
                homes[0].where,
                f"{symbol.title} is told without its line {left[0]} of {symbol.file}",
            )
        )


def _check_page(registry: Registry, page: Page) -> None:
    """Quotes are short, and apart by prose; what is shown again has a home."""
    run = 0
    for fence in page.fences:
        if fence.kind not in {"source", "show-again"}:
            continue
        try:
            shown = _shown(registry, fence)
        except QuoteError as error:
            if fence.kind == "show-again":
                registry.faults.append(Fault("unresolved", fence.where, str(error)))
            continue
        run = shown if fence.after_prose else run + shown
        if run > LONGEST_QUOTE:
            registry.faults.append(
                Fault(
                    "long quote",
                    fence.where,
                    f"{run} lines are quoted without prose, at most {LONGEST_QUOTE} may be",
                )
            )
        if fence.kind == "source":
            registry.quoted[page.chapter] += shown


def _shown(registry: Registry, fence: Fence) -> int:
    """How many lines a directive shows."""
    if fence.kind == "show-again":
        symbol = registry.index.find_one(fence.argument)
        if registry.home(symbol) is None:
            raise QuoteError(f"{symbol.title} is shown again but has no home")
        return len(again(registry.index, fence).lines)
    found = sources(registry.index, fence)
    cuts = [
        cut(
            registry.index,
            s,
            fence.option("from"),
            fence.option("until"),
            fence.has("doc"),
            registry.homes,
        )
        for s in found
    ]
    return sum(len(c.lines) for c in cuts)


def again(index: Index, fence: Fence) -> Excerpt:
    """What a `show-again` directive shows: one step, or all of a short symbol."""
    symbol = index.find_one(fence.argument)
    return step(index, symbol, fence.option("step")) if fence.has("step") else cut(index, symbol)


def _check_chapters(registry: Registry, pages: list[Page]) -> None:
    """A chapter's path can be read in one sitting, and the hypervisor speaks seldom."""
    words: Counter[str] = Counter()
    voices: Counter[str] = Counter()
    for page in pages:
        beside = page.name.rsplit("/", 1)[-1] in BESIDE_THE_PATH
        words[page.chapter] += 0 if beside else page.words
        for fence in (f for f in page.fences if f.kind == "voice"):
            voices[page.chapter] += 1
            if not re.search(r"\d|\{ran\}", fence.body):
                text = "the hypervisor speaks without a number from a run"
                registry.faults.append(Fault("empty voice", fence.where, text))
            if len(fence.body.split()) > LONGEST_VOICE:
                registry.faults.append(
                    Fault(
                        "long voice",
                        fence.where,
                        f"the hypervisor says more than {LONGEST_VOICE} words at once",
                    )
                )
    for chapter in sorted(set(words) - {"shelf"}):
        lines = registry.quoted[chapter]
        registry.minutes[chapter] = words[chapter] / WORDS_PER_MINUTE + lines / LINES_PER_MINUTE
        if lines > LONGEST_PATH:
            registry.faults.append(
                Fault(
                    "long path", chapter, f"{lines} lines are quoted, at most {LONGEST_PATH} may be"
                )
            )
        if registry.minutes[chapter] > LONGEST_READING:
            registry.faults.append(
                Fault(
                    "long path",
                    chapter,
                    f"{registry.minutes[chapter]:.0f} minutes of "
                    f"reading, at most {LONGEST_READING} may be",
                )
            )
        if voices[chapter] > MOST_VOICES:
            registry.faults.append(
                Fault(
                    "many voices",
                    chapter,
                    f"the hypervisor speaks {voices[chapter]} times, at most {MOST_VOICES} may be",
                )
            )
