# What stories the reader's pins live through, and a second grant table that lives through the same.
"""The points of the lab *pins*: each says what it expects, then what came.

A story is steps, their numbers in hexadecimal: `row:8:1:2:20` (the guest writes into row 8: flags
1, domain 2, page 0x20), `part` (with offset and length), `other:8:2:3:9` (transitive: what d3
promised by row 9), `pin:8:2:1:0` (row 8, for domain 2, to write, not to map), `unpin:8:1`,
`look:8:20` (what the guest reads of the row's use, and how often page 0x20 is used), `race` (the
guest takes back what it can, at each moment of a pin). A seed above 1 draws other rules of use.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from pyhv import sentences as say

STORIES = 150
PERMIT, ACCEPT, TRANSITIVE, READ_ONLY = 1, 2, 3, 4
READING, WRITING, SUB_PAGE = 8, 16, 256
ERROR, BAD_REF, BAD_PAGE = "general_error", "bad_gntref", "bad_page"
GUEST_FRAMES = 512
ME, OTHER = 2, 5


class Rules(NamedTuple):
    """How many uses a promise may have, counted how, and when GTF_writing goes."""

    most: int
    together: bool
    until_last: bool


def _rules(seed: int) -> Rules:
    """Return the book's rules for seed 1, others for the others."""
    if seed == 1:
        return Rules(128, False, False)
    die = random.Random(seed)
    return Rules(die.randrange(3, 12), die.random() < 0.5, die.random() < 0.5)


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    most, together, until_last = _rules(seed)
    counted = (f"A promise has at most {most} uses, readers and writers together." if together else
               f"A promise has at most {most} readers, and at most {most} writers.")
    goes = ("`GTF_writing` stays until the last use of the promise ends, a reader's or a writer's: "
            "`unmark` changes, too." if until_last else
            "`GTF_writing` goes with the last writer, as in the text.")
    return f"{counted}\n\n{goes}"


@dataclass
class Row:
    """A row as its guest wrote it."""

    flags: int = 0
    to: int = 0
    page: int = 0
    part: tuple[int, int] = (0, 0)
    next: tuple[int, int] = (0, 0)
    used: int = 0


@dataclass
class Pin:
    """What is remembered of a promise in use."""

    page: int | None = None
    holder: int = 0
    partial: bool = False
    readers: int = 0
    writers: int = 0

    @property
    def held(self) -> bool:
        """Whether anybody has it."""
        return self.readers + self.writers > 0


class Table:
    """A grant table of plain objects."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.version = 1
        self.rows: dict[int, Row] = {}
        self.pins: dict[int, Pin] = {}
        self.uses: dict[int, int] = {}

    def live(self, story: str) -> str:
        """Live through a story, and return what came of it, in the probe's words."""
        said = []
        for step in story.split():
            word, *numbers = step.split(":")
            said.append(getattr(self, f"do_{word}")(*(int(number, 16) for number in numbers)))
        return " ".join(filter(None, said))

    def do_version(self, version: int) -> None:
        """Lay the rows out anew."""
        self.version = version

    def do_row(self, ref: int, flags: int, to: int, page: int) -> None:
        """Let the guest write a row; in version 1 our flags stand in the same word."""
        used = flags & (READING | WRITING) if self.version == 1 else self._row(ref).used
        self.rows[ref] = Row(flags, to, page, used=used)

    def do_part(self, ref: int, flags: int, to: int, page: int, offset: int, size: int) -> None:
        """Let the guest promise a part of a page."""
        self.rows[ref] = Row(flags, to, page, (offset, offset + size), used=self._row(ref).used)

    def do_other(self, ref: int, to: int, domain: int, next_ref: int) -> None:
        """Let the guest promise what another promised it."""
        self.rows[ref] = Row(TRANSITIVE, to, 0, next=(domain, next_ref), used=self._row(ref).used)

    def _row(self, ref: int) -> Row:
        return self.rows.setdefault(ref, Row())

    def _allows(self, row: Row, holder: int, write: bool, to_map: bool, held: bool) -> bool:
        if write and row.flags & READ_ONLY:
            return False
        kind = row.flags & (3 | (SUB_PAGE if to_map else 0))
        by_another = self.version == 2 and not to_map and kind == TRANSITIVE
        return held or (row.to == holder and (kind == PERMIT or by_another))

    def do_pin(self, ref: int, holder: int, write: int, to_map: int) -> str:
        """Take the guest at its word."""
        if ref >= (512 if self.version == 1 else 256):
            return BAD_REF
        row, pin = self._row(ref), self.pins.setdefault(ref, Pin())
        held = pin.held
        count = pin.writers if write else pin.readers
        if self.rules.together:
            count = pin.readers + pin.writers
        if held and (pin.holder != holder or count == self.rules.most or (to_map and pin.partial)):
            return ERROR
        if not held or pin.partial or (write and pin.writers == 0):
            if not self._allows(row, holder, bool(write), bool(to_map), held):
                return ERROR
            row.used |= READING | (WRITING if write else 0)
        may_be_part = self.version == 2 and not to_map
        transitive = may_be_part and row.flags & 3 == TRANSITIVE
        partial = transitive or (may_be_part and bool(row.flags & SUB_PAGE))
        if held and not pin.partial:
            transitive = partial = False
        if not held:
            if not transitive and row.page >= GUEST_FRAMES:
                self._unmark(row, pin, bool(write))
                return BAD_PAGE
            pin.page, pin.holder, pin.partial = None if transitive else row.page, holder, partial
            if pin.page is not None:
                self.uses[pin.page] = self.uses.get(pin.page, 0) + 1
        if transitive != (pin.page is None):
            self._unmark(row, pin, bool(write))
            return ERROR
        pin.writers, pin.readers = pin.writers + bool(write), pin.readers + (not write)
        if transitive:
            return f"d{row.next[0]}/{row.next[1]}"
        return f"page-{pin.page:x}" + (f"[{row.part[0]}-{row.part[1]}]" if partial else "")

    def _unmark(self, row: Row, pin: Pin, write: bool) -> None:
        if not pin.held:
            row.used &= ~READING
        if (not pin.held) if self.rules.until_last else (write and pin.writers == 0):
            row.used &= ~WRITING

    def do_unpin(self, ref: int, write: int) -> None:
        """Let go."""
        pin = self.pins[ref]
        pin.writers, pin.readers = pin.writers - bool(write), pin.readers - (not write)
        self._unmark(self._row(ref), pin, bool(write))
        if not pin.held:
            if pin.page is not None:
                self.uses[pin.page] -= 1
            self.pins[ref] = Pin()

    def can_unpin(self, ref: int, write: int) -> bool:
        """Return whether somebody has that use."""
        pin = self.pins.get(ref, Pin())
        return bool(pin.writers if write else pin.readers)

    def do_look(self, ref: int, page: int) -> str:
        """Return what the guest reads of the row's use, and how often the page is used."""
        used = self._row(ref).used
        return (f"{'r' if used & READING else '-'}{'w' if used & WRITING else '-'}/"
                f"{self.uses.get(page, 0)}")

    def do_race(self, *_: int) -> str:
        """Stay safe."""
        return "safe"


def _ask(bench: Any, *stories: str) -> Iterator[Any]:
    """Yield that all stories come out right; then that, or the first that does not."""
    right = f"{len(stories)} of {len(stories)} stories are right"
    yield right
    answers = bench.probe("".join(f"{story}\n" for story in stories)).splitlines()
    for story, answer in zip(stories, answers, strict=True):
        wanted = Table(_rules(bench.seed)).live(story)
        if answer.strip() != wanted:
            yield f"of the story {story} you made {answer.strip()}; right is {wanted}"
    yield right


def _place(bench: Any) -> tuple[int, int]:
    """Draw a row, and a page."""
    return bench.die.randrange(8, 250), bench.die.randrange(0x30, 0x180)


def the_page_is_kept(bench: Any) -> Iterator[Any]:
    """mark() tells the guest, begin() keeps its page in being, and page.frame is that page."""
    ref, page = _place(bench)
    return _ask(bench, *(f"version:{version} row:{ref:x}:1:{ME}:{page:x} look:{ref:x}:{page:x} "
                         f"pin:{ref:x}:{ME}:{write}:{to_map} look:{ref:x}:{page:x}"
                         for version, write, to_map in ((1, 0, 1), (1, 1, 1), (2, 0, 0))))


def what_was_not_promised_is_refused(bench: Any) -> Iterator[Any]:
    """bad_gntref beyond the table, bad_page where begin() finds none, else general_error."""
    ref, page = _place(bench)
    return _ask(bench, *(f"{row} pin:{ref:x}:{who}:{write}:1 look:{ref:x}:{page:x}"
                         for row, who, write in (
                             (f"row:{ref:x}:1:{OTHER}:{page:x}", ME, 0),
                             (f"row:{ref:x}:5:{ME}:{page:x}", ME, 1),
                             (f"row:{ref:x}:2:{ME}:{page:x}", ME, 0),
                             (f"row:{ref:x}:0:{ME}:{page:x}", ME, 0),
                             (f"row:{ref:x}:1:{ME}:5000", ME, 1))),
                f"pin:{bench.die.randrange(512, 2**32):x}:{ME}:0:1 version:2 pin:100:{ME}:0:0")


def several_uses_are_counted(bench: Any) -> Iterator[Any]:
    """One pin, however many have it: its page is used once, and its marks go one by one."""
    ref, page = _place(bench)
    look = f"look:{ref:x}:{page:x}"
    return _ask(bench, f"row:{ref:x}:1:{ME}:{page:x} pin:{ref:x}:{ME}:0:1 {look} "
                       f"pin:{ref:x}:{ME}:1:1 {look} pin:{ref:x}:{ME}:0:0 {look} unpin:{ref:x}:1 "
                       f"{look} unpin:{ref:x}:0 {look} unpin:{ref:x}:0 {look}",
                f"row:{ref:x}:1:{ME}:{page:x} pin:{ref:x}:{ME}:0:1 row:{ref:x}:1:{OTHER}:{page:x} "
                f"pin:{ref:x}:{OTHER}:0:1")


def the_last_one_lets_go(bench: Any) -> Iterator[Any]:
    """With the last use the pin is as new, and its page anybody's: end_use(), with no lock held."""
    ref, page = _place(bench)
    look = f"look:{ref:x}:{page:x}"
    return _ask(bench, f"row:{ref:x}:1:{ME}:{page:x} pin:{ref:x}:{ME}:1:1 unpin:{ref:x}:1 {look} "
                       f"row:{ref:x}:1:{OTHER}:{page + 1:x} pin:{ref:x}:{OTHER}:0:0 {look} "
                       f"look:{ref:x}:{page + 1:x} unpin:{ref:x}:0 look:{ref:x}:{page + 1:x}",
                f"version:2 row:{ref:x}:1:{ME}:{page:x} pin:{ref:x}:{ME}:0:0 {look} "
                f"unpin:{ref:x}:0 {look}")


def there_is_a_most(bench: Any) -> Iterator[Any]:
    """A count is one byte, and each kind of use has its own."""
    ref, page = _place(bench)
    most = _rules(bench.seed).most
    row, one = f"row:{ref:x}:1:{ME}:{page:x}", f"pin:{ref:x}:{ME}:0:1"
    yield f"{most} readers, then {ERROR}; with a writer too, " + Table(_rules(bench.seed)).live(
        f"{row} {one} pin:{ref:x}:{ME}:1:1 {f'{one} ' * (most - 1)}{one}").split()[most]
    came, other = (answer.split() for answer in bench.probe(
        f"{row} {f'{one} ' * (most + 1)}\n"
        f"{row} {one} pin:{ref:x}:{ME}:1:1 {f'{one} ' * (most - 1)}{one}\n").splitlines())
    readers = sum(each.startswith("page") for each in came)
    yield f"{readers} readers, then {came[-1]}; with a writer too, {other[most]}"


def what_is_in_use_is_not_asked_again(bench: Any) -> Iterator[Any]:
    """A guest cannot take back what is in use: until more is wanted, its row is not asked again."""
    ref, page = _place(bench)
    begin = f"row:{ref:x}:1:{ME}:{page:x} pin:{ref:x}:{ME}:0:1"
    look = f"look:{ref:x}:{page:x}"
    return _ask(bench, f"{begin} row:{ref:x}:0:0:0 pin:{ref:x}:{ME}:0:1 {look}",
                f"{begin} row:{ref:x}:1:{ME}:{page + 1:x} pin:{ref:x}:{ME}:1:1 {look} "
                f"look:{ref:x}:{page + 1:x}",
                f"{begin} row:{ref:x}:5:{ME}:{page:x} pin:{ref:x}:{ME}:1:1 {look} unpin:{ref:x}:0 "
                f"{look}")


def parts_are_parts(bench: Any) -> Iterator[Any]:
    """Of a part, or of another's promise, each use is asked anew, and none may be mapped."""
    ref, page = _place(bench)
    start, size = bench.die.randrange(1, 2000), bench.die.randrange(1, 2000)
    part = f"version:2 part:{ref:x}:101:{ME}:{page:x}:{start:x}:{size:x}"
    other = f"version:2 other:{ref:x}:{ME}:7:9"
    look = f"look:{ref:x}:{page:x}"
    return _ask(bench, f"{part} pin:{ref:x}:{ME}:0:1 {look}",
                f"{part} pin:{ref:x}:{ME}:0:0 {look} row:{ref:x}:1:{ME}:{page:x} "
                f"pin:{ref:x}:{ME}:0:1 pin:{ref:x}:{ME}:0:0 unpin:{ref:x}:0 {look}",
                f"{other} pin:{ref:x}:{ME}:0:0 {look} row:{ref:x}:1:{ME}:{page:x} "
                f"pin:{ref:x}:{ME}:0:0 {look} unpin:{ref:x}:0 {look}",
                f"{other} pin:{ref:x}:{ME}:0:1 {look}")


def what_was_taken_back_is_not_taken(bench: Any) -> Iterator[Any]:
    """First mark, then read: what you read before the mark may be the guest's own again by then."""
    ref, _ = _place(bench)
    right = "at every moment the guest's page is its own, or in use and marked"
    words = {"safe": right, "leaked": "you read the row, the guest took its page back and promised "
             "another one, you marked the row, and kept the page that it has for itself",
             "left-in-use": "the guest came in between, and a mark, or a use of its page, was left "
             "when all was over", "never": "nothing was pinned at all"}
    yield right
    races = [f"version:{version} race:{ref:x}:{ME}:{write}:1" for version in (1, 2)
             for write in (0, 1)]
    answers = [answer.strip() for answer in bench.probe("\n".join([*races, ""])).splitlines()]
    yield words[next((answer for answer in answers if answer != "safe"), "safe")]


def any_story_comes_out_right(bench: Any) -> Iterator[Any]:
    """Take the story that went wrong, and write flags and counts down after each step."""
    return _ask(bench, *(_any_story(bench.die, _rules(bench.seed))
                         for _ in range(STORIES)))


def _any_story(die: random.Random, rules: Rules) -> str:
    table, version = Table(rules), die.choice([1, 2])
    steps = [f"version:{version}"]
    table.live(steps[0])
    while len(steps) < 30:
        ref, page = die.randrange(8, 11), die.choice([0x20, 0x21, 0x22, 0x5000])
        who = die.choice([ME, ME, ME, OTHER])
        word = die.choice(["row", "pin", "pin", "pin", "unpin", "unpin", "look"] + (
            ["part", "other"] if version == 2 else []))
        if word == "row":
            flags = die.choice([PERMIT] * 5 + [PERMIT | READ_ONLY, 0, ACCEPT])
            step = f"row:{ref:x}:{flags:x}:{who}:{page:x}"
        elif word == "part":
            step = f"part:{ref:x}:{PERMIT | SUB_PAGE:x}:{who}:{page:x}:10:20"
        elif word == "other":
            step = f"other:{ref:x}:{who}:7:9"
        elif word == "pin":
            step = f"pin:{ref:x}:{who}:{die.randrange(2)}:{die.randrange(2)}"
        elif word == "unpin":
            write = die.randrange(2)
            if not table.can_unpin(ref, write):
                continue
            step = f"unpin:{ref:x}:{write}"
        else:
            step = f"look:{ref:x}:{page % 0x5000 or 0x20:x}"
        table.live(step)
        steps.append(step)
    return " ".join(steps)


def _create(dom0: Any, name: str, role: str, neighbour: int, more: str = "") -> None:
    dom0.ask(f'create {name} kernel=neighbours memory=16 '
             f'cmdline="role={role} with={neighbour}{more}"')


def a_guest_borrows_a_page(bench: Any) -> Iterator[Any]:
    """It maps its neighbour's page by reference 42, copies it, too, answers in it, and unmaps."""
    yield "borrower: I gave it back"
    dom0 = bench.dom0()
    _create(dom0, "lender", "lender", 2)
    _create(dom0, "borrower", "borrower", 1)
    yield bench.hear(dom0, "borrower", r"borrower: I gave it back|neighbours: [^\r\n]*")[0]


def its_owner_takes_it_back(bench: Any) -> Iterator[Any]:
    """The lender waits until GTF_reading and GTF_writing are gone from row 42."""
    yield "lender: I took reference 42 back"
    yield bench.hear(bench.dom0(), "lender", r"lender: I took reference 42 back")[0]


def a_page_in_use_outlives_its_owner(bench: Any) -> Iterator[Any]:
    """A domain that is destroyed stays while a page of its is pinned, and goes with the last."""
    yield "d3 is dying, but d4 still has the page of its reference 42; d3 is gone"
    dom0 = bench.dom0()
    _create(dom0, "lender2", "lender", 4)
    _create(dom0, "borrower2", "borrower", 3, " keep=yes")
    bench.hear(dom0, "borrower2", r"borrower: a copy says")
    dom0.type("destroy lender2")
    dying = dom0.expect(r"d3 is dying, but d4 still has the page of its reference 42|d3 is gone")
    dom0.expect(say.DOM0_PROMPT)
    dom0.type("destroy borrower2")
    yield f"{dying[0]}; {dom0.expect(r'd3 is gone')[0]}"


HOSTED = [the_page_is_kept, what_was_not_promised_is_refused, several_uses_are_counted,
          the_last_one_lets_go, there_is_a_most, what_is_in_use_is_not_asked_again,
          parts_are_parts, what_was_taken_back_is_not_taken, any_story_comes_out_right]
EMULATED = [a_guest_borrows_a_page, its_owner_takes_it_back, a_page_in_use_outlives_its_owner]
