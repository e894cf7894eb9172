# What a lender and a borrower are asked, and who comes for the page between any two of their steps.
"""The points of the lab *promises*: each says what it expects, then what came.

Where the guests are lenders, dom0 borrows: its toolstack can map at any moment, also between two
looks that a guest takes into its own memory. A seed above 1 draws the row and the rights.
"""

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pyhv
from pyhv.errors import Failure

PAGE = 4096
MEMORY_MIB = 4
TABLE, PLACE = 0x480, 0x490
"""Guest frames that a domain of 4 MiB does not have: for its table, and for what it borrows."""
DOM0_PLACE = 0x40000
PERMIT_ACCESS, READ_ONLY, READING, WRITING = 1, 4, 8, 16
HOST_MAP, MAP_READ_ONLY = 2, 4
MOST_LOOKS = 1000


class Rules(NamedTuple):
    """By which row a page is promised, whether to be read alone, and where a copy begins."""

    row: int
    read_only: bool
    offset: int


def _rules(seed: int) -> Rules:
    """Return the book's rules for seed 1, others for the others."""
    if seed == 1:
        return Rules(42, False, 0)
    die = random.Random(seed)
    return Rules(die.randrange(43, 512), die.random() < 0.5, die.randrange(1, 8) * 512)


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    row, read_only, offset = _rules(seed)
    rights = "to be read alone (`GTF_readonly`)" if read_only else "to read and to write"
    return (f"The row is {row}: REFERENCE changes, too.\n\n`promise` promises the page {rights}."
            f"\n\n`copy` begins {offset} bytes into the promised page and goes on to its end. "
            "What it copies begins with your page, too.")


class Watched:
    """What a lab's guest is handed: itself, and before each look into its memory, somebody else."""

    def __init__(self, me: Any, before: Callable[[str], None] = lambda step: None,
                 after: Callable[[], None] = lambda: None) -> None:
        self._me, self._before, self._after = me, before, after
        self.domain, self.arguments_at = me.domain, me.arguments_at
        self.looks = 0

    def _step(self, what: str) -> None:
        self.looks += 1
        if self.looks > MOST_LOOKS:
            raise Failure(f"after {MOST_LOOKS} looks it has not given way: whoever has the page "
                          "cannot run meanwhile")
        self._before(what)

    def read(self, gpa: int, count: int) -> bytes:
        """Return bytes of its memory."""
        self._step("read")
        return self._me.read(gpa, count)

    def write(self, gpa: int, data: bytes) -> None:
        """Write into its memory."""
        self._step("write")
        self._me.write(gpa, data)
        self._after()

    def compare_exchange(self, gpa: int, expected: bytes, new: bytes) -> bool:
        """Put `new` where `expected` stands, in one step."""
        self._step("compare_exchange")
        done = self._me.compare_exchange(gpa, expected, new)
        self._after()
        return done

    async def hypercall(self, name: str, *arguments: Any) -> Any:
        """Ask the hypervisor."""
        self.looks = 0
        return await self._me.hypercall(name, *arguments)


class Lender:
    """A machine with one guest, who has its table in its hands, and dom0, who maps its page."""

    def __init__(self, hv: Any, seed: int) -> None:
        self.hv, self.rules = hv, _rules(seed)
        self.domain = hv.create("lab", memory=MEMORY_MIB)
        self.row = TABLE * PAGE + self.rules.row * 8
        self.handle: int | None = None

    def run(self, guest: Callable[[Any], Any]) -> Any:
        """Run one guest to its end, and return what it returned."""

        async def lab(me: Any) -> Any:
            return await guest(me)

        return self.hv.run(lab)["lab"]

    def show_table(self) -> None:
        """Put the table where the guest can write it."""

        async def lab(me: Any) -> None:
            await me.hypercall("memory_op", "add_to_physmap", {
                "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "gpfn": TABLE})

        self.hv.run(lab)

    def promise(self, frame: int, to: int = 0) -> None:
        """Promise by the rules, as the guest would."""
        flags = PERMIT_ACCESS | (READ_ONLY if self.rules.read_only else 0)
        self.domain.write(self.row, struct.pack("<HHI", flags, to, frame))

    @property
    def flags(self) -> int:
        """The row's flags now."""
        return struct.unpack("<H", self.domain.read(self.row, 2))[0]

    def map(self, *, write: bool = False, row: int | None = None) -> int:
        """Let dom0 map the page, unless it has it. Return the status."""
        if self.handle is not None:
            return 0
        mapped = self.hv.toolstack("grant_table_op", "map_grant_ref", {
            "host_addr": DOM0_PLACE * PAGE, "ref": self.rules.row if row is None else row,
            "flags": HOST_MAP | (0 if write else MAP_READ_ONLY), "dom": self.domain.id}, 1)
        self.handle = mapped.handle if mapped.status == 0 else None
        return mapped.status

    def seen(self, count: int = 16) -> bytes:
        """Return what dom0 reads in the page that it mapped."""
        return self.hv.domains["dom0"].read(DOM0_PLACE * PAGE, count)

    def unmap(self) -> None:
        """Let dom0 give it back."""
        self.hv.toolstack("grant_table_op", "unmap_grant_ref", {
            "host_addr": DOM0_PLACE * PAGE, "handle": self.handle}, 1)
        self.handle = None


def _lender(bench: Any, *, table: bool = True) -> Lender:
    lender = Lender(pyhv.hosted(memory=64), bench.seed)
    if table:
        lender.show_table()
    return lender


def _some_frame(bench: Any) -> int:
    return 512 + bench.die.randrange(256)


def the_table_is_shown(bench: Any) -> Iterator[Any]:
    """XENMEM_add_to_physmap, space XENMAPSPACE_grant_table, index 0: is gpfn the frame `at`?"""
    row, frame = bench.die.randrange(8, 42), _some_frame(bench)
    yield f"what is written there into row {row} is a promise: dom0 can map it"
    lender = _lender(bench, table=False)
    with lender.hv:
        lender.run(lambda me: bench.guests.show_table(me, TABLE))
        if lender.domain.p2m.walk(TABLE * PAGE).mpa is None:
            yield f"there is nothing at guest frame {TABLE:#x}"
        lender.domain.write(TABLE * PAGE + 8 * row, struct.pack("<HHI", PERMIT_ACCESS, 0, frame))
        status = lender.map(row=row)
        yield (f"what is written there into row {row} is a promise: dom0 can map it"
               if status == 0 else f"row {row} promises nothing: dom0's status is {status}")


def a_promise_is_kept(bench: Any) -> Iterator[Any]:
    """A row is flags, domain, frame: 2, 2 and 4 bytes. Is it the row that was agreed on?"""
    frame, word = _some_frame(bench), bench.die.randbytes(8).hex().encode()
    rules = _rules(bench.seed)
    write = "dom0 may write" if not rules.read_only else "dom0 may not write"
    yield f"by row {rules.row} dom0 reads {word!r}; {write}"
    lender = _lender(bench)
    with lender.hv:
        lender.domain.write(frame * PAGE, word)
        lender.run(lambda me: bench.guests.promise(me, TABLE, 0, frame))
        status = lender.map()
        if status != 0:
            yield f"by row {rules.row} nothing is promised to dom0: its status is {status}"
        seen = lender.seen()
        lender.unmap()
        may = "dom0 may write" if lender.map(write=True) == 0 else "dom0 may not write"
        yield f"by row {rules.row} dom0 reads {seen!r}; {may}"


def flags_come_last(bench: Any) -> Iterator[Any]:
    """The table is public: somebody may read the row between any two of your writes."""
    frame, old = _some_frame(bench), bench.die.randrange(16, 256)
    yield "whenever the flags say yes, domain and frame are right"
    lender, faults = _lender(bench), []

    def look() -> None:
        flags, to, what = struct.unpack("<HHI", lender.domain.read(lender.row, 8))
        if flags & PERMIT_ACCESS and (to, what) != (0, frame):
            faults.append(f"the flags said yes while the row named frame {what:#x} of an earlier "
                          f"promise, and d{to}")

    with lender.hv:
        # What an earlier promise, long taken back, has left there
        lender.domain.write(lender.row, struct.pack("<HHI", 0, 7, old))
        lender.run(lambda me: bench.guests.promise(Watched(me, after=look), TABLE, 0, frame))
        if not lender.flags & PERMIT_ACCESS:
            faults.append("the flags never said yes")
    yield faults[0] if faults else "whenever the flags say yes, domain and frame are right"


def _words(flags: int) -> str:
    names = [name for bit, name in ((READING, "reading"), (WRITING, "writing")) if flags & bit]
    return " and ".join(names) or "nothing"


def the_page_is_borrowed(bench: Any) -> Iterator[Any]:
    """While you read, the owner's row says GTF_reading alone. Does unmap get handle and address?"""
    frame, word = _some_frame(bench), bench.die.randbytes(8).hex().encode()
    yield f"{word!r}, the row saying reading; afterwards nothing"
    lender, during = _lender(bench), []
    with lender.hv as hv:
        borrower = hv.create("borrower", memory=MEMORY_MIB)
        lender.domain.write(frame * PAGE, word)
        lender.promise(frame, borrower.id)

        async def borrow(me: Any) -> bytes:
            watched = Watched(me, before=lambda step: during.append(lender.flags))
            return await bench.guests.borrow(watched, lender.domain.id, PLACE)

        seen = hv.run(borrower=borrow)["borrower"]
        said = _words(during[0]) if during else "nothing, for you never looked"
        yield f"{seen!r}, the row saying {said}; afterwards {_words(lender.flags)}"


def a_refusal_is_seen(bench: Any) -> Iterator[Any]:
    """The call itself answers 0: what came of your wish stands in its status."""
    yield "b'', and no look at a page that is not there"
    lender, looks = _lender(bench), []
    with lender.hv as hv:
        borrower = hv.create("borrower", memory=MEMORY_MIB)
        lender.promise(_some_frame(bench), to=0)

        async def borrow(me: Any) -> bytes:
            watched = Watched(me, before=looks.append)
            return await bench.guests.borrow(watched, lender.domain.id, PLACE)

        try:
            seen = hv.run(borrower=borrow)["borrower"]
        except Failure as none:
            yield f"the promise was made to dom0, and you looked all the same: {none.reason}"
        yield f"{seen!r}, and {'a' if looks else 'no'} look at a page that is not there"
    assert borrower


def the_page_is_copied(bench: Any) -> Iterator[Any]:
    """Each side has domid and offset; GNTCOPY_source_gref says that the source is a reference."""
    frame, into, offset = _some_frame(bench), 300, _rules(bench.seed).offset
    page = bench.die.randbytes(PAGE)
    yield f"status 0, {PAGE - offset} bytes are right, nothing was mapped"
    lender = _lender(bench)
    with lender.hv as hv, hv.trace("grants") as told:
        borrower = hv.create("borrower", memory=MEMORY_MIB)
        lender.domain.write(frame * PAGE, page)
        lender.promise(frame, borrower.id)

        async def copy(me: Any) -> int:
            return await bench.guests.copy(me, lender.domain.id, into)

        status = hv.run(borrower=copy)["borrower"]
        came = borrower.read(into * PAGE, PAGE)
        right = next((at for at in range(PAGE - offset) if came[at] != page[offset + at]),
                     PAGE - offset)
    mapped = "a page was mapped" if told.of("grant_mapped") else "nothing was mapped"
    yield f"status {status}, {right} bytes are right, {mapped}"


def what_is_idle_comes_back(bench: Any) -> Iterator[Any]:
    """Nobody has the page: when the flags are 0, nobody can come for it any more."""
    yield "True, and dom0, which comes then, is refused"
    lender = _lender(bench)
    with lender.hv:
        lender.promise(_some_frame(bench))
        said = lender.run(lambda me: bench.guests.take_back(me, TABLE))
        status = lender.map()
    yield f"{said}, and dom0, which comes then, {'is refused' if status else 'gets the page'}"


def what_is_used_is_not_taken(bench: Any) -> Iterator[Any]:
    """GTF_reading or GTF_writing is set: the page is not yours yet, whatever you write."""
    yield "False, and the row stays promised, and in use"
    lender = _lender(bench)
    with lender.hv:
        lender.promise(_some_frame(bench))
        lender.map()
        before = lender.flags
        said = lender.run(lambda me: bench.guests.take_back(me, TABLE))
        changed = lender.flags ^ before
    row = ("stays promised, and in use" if not changed else "has lost its promise"
           if changed & PERMIT_ACCESS else "no longer says who uses its page")
    yield f"{said}, and the row {row}"


def no_moment_is_missed(bench: Any) -> Iterator[Any]:
    """Between a look and a write somebody may come. compare_exchange() is a look and a write."""
    right = "True means that nobody has the page, whenever dom0 comes for it"
    yield right
    moment, over = 0, False
    while not over:
        lender, steps = _lender(bench), []

        def come(step: str, at: int = moment, lender: Lender = lender,
                 steps: list[str] = steps) -> None:
            steps.append(step)
            if len(steps) == at + 1:
                lender.map()

        with lender.hv:
            lender.promise(_some_frame(bench))

            async def take_back(me: Any, come: Callable[[str], None] = come) -> bool:
                return await bench.guests.take_back(Watched(me, before=come), TABLE)

            said = lender.run(take_back)
            has_it = lender.handle is not None or lender.map() == 0
        if said and has_it:
            when = f"right before your {' then '.join(steps[moment:moment + 1])}" if (
                moment < len(steps)) else "after your last step"
            yield f"dom0 mapped the page {when}, and you said that it is yours"
        over, moment = moment >= len(steps), moment + 1
    yield right


def the_secret_stays_one(bench: Any) -> Iterator[Any]:
    """Write into the page when take_back() has said True, and let others run until it does."""
    frame, rounds = _some_frame(bench), bench.die.randrange(3, 9)
    right = "dom0 gave the page back, and then the secret was written"
    yield right
    lender, yields, faults = _lender(bench), [], []

    class Patient(Watched):
        async def hypercall(self, name: str, *arguments: Any) -> Any:
            yields.append(name)
            if len(yields) == rounds:
                lender.unmap()
            return await super().hypercall(name, *arguments)

    def look() -> None:
        if lender.handle is not None and lender.seen(6) == b"secret":
            faults.append("the secret was written while dom0 still had the page, and read it there")

    with lender.hv:
        lender.domain.write(frame * PAGE, b"public")
        lender.promise(frame)
        lender.map()

        async def reuse(me: Any) -> None:
            await bench.guests.reuse(Patient(me, after=look), TABLE, frame, b"secret")

        lender.run(reuse)
        if not faults and lender.domain.read(frame * PAGE, 6) != b"secret":
            faults.append("the secret was never written")
        if not faults and lender.map() == 0:
            faults.append("the secret was written, and dom0 could map the page again")
    yield faults[0] if faults else right


HOSTED = [the_table_is_shown, a_promise_is_kept, flags_come_last, the_page_is_borrowed,
          a_refusal_is_seen, the_page_is_copied, what_is_idle_comes_back,
          what_is_used_is_not_taken, no_moment_is_missed, the_secret_stays_one]
