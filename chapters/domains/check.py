# What the lab's guests are asked for, and what a guest that has understood answers.
"""The points of the lab of *domains*: each says what it expects, then what came.

Each is given the reader's guests, and a seeded die. Its docstring is the hint.
"""

import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pyhv

PAGE = 4096
MEMORY_MIB = 4


def _alone(guest: Any) -> Any:
    """Run one guest in a machine of its own, and return what it returned."""
    with pyhv.hosted(memory=64) as hv:
        hv.create("lab", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await guest(me)

        return hv.run(lab)["lab"]


def _some_frames(die: random.Random) -> tuple[int, int]:
    """Draw frames that lie in the guest's second page of 2 MiB: the first, and how many."""
    count = die.randint(2, 40)
    return 512 + die.randrange(400), count


def host_is_named(guests: ModuleType, die: random.Random) -> Iterator[Any]:
    """The host's version: the major number is in the upper half of the word."""
    yield 4, 17
    yield _alone(guests.name_your_host)


def pages_go(guests: ModuleType, die: random.Random) -> Iterator[Any]:
    """A hole where the pages were: is nr_extents the count, and each frame 8 bytes?"""
    first, count = _some_frames(die)
    yield f"{count} went, 0 left, their neighbours stay"
    with pyhv.hosted(memory=64) as hv:
        domain = hv.create("lab", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await guests.breathe_out(me, first, count)

        said = int(hv.run(lab)["lab"])
        left = sum(domain.p2m.walk((first + i) * PAGE).mpa is not None for i in range(count))
        around = [domain.p2m.walk(at * PAGE).mpa is not None for at in (first - 1, first + count)]
    neighbours = "their neighbours stay" if all(around) else "a neighbour went, too"
    yield f"{said} went, {left} left, {neighbours}"


def pages_come_back(guests: ModuleType, die: random.Random) -> Iterator[Any]:
    """The last page is read after it came: what is in memory that had another owner?"""
    first, count = _some_frames(die)
    yield f"{count} pages, the last begins with 00000000"
    with pyhv.hosted(memory=64) as hv:
        domain = hv.create("lab", memory=MEMORY_MIB)
        domain.write(first * PAGE, b"mine" * (count * PAGE // 4))

        async def lab(me: Any) -> Any:
            list_at = me.arguments_at - PAGE
            me.write(list_at, b"".join((first + i).to_bytes(8, "little") for i in range(count)))
            await me.hypercall("memory_op", "decrease_reservation", {
                "extent_start": list_at, "nr_extents": count, "domid": "DOMID_SELF"})
            return await guests.breathe_in(me, first, count)

        seen = hv.run(lab)["lab"]
        there = sum(domain.p2m.walk((first + i) * PAGE).mpa is not None for i in range(count))
    yield f"{there} pages, the last begins with {bytes(seen)[:4].hex()}"


def too_far_is_refused(guests: ModuleType, die: random.Random) -> Iterator[Any]:
    """A refusal is an answer, too: answer.error is its name."""
    other = die.choice([0, 2])
    yield "EPERM"
    with pyhv.hosted(memory=64) as hv:
        hv.create("lab", memory=MEMORY_MIB)
        hv.create("other", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await guests.reach_too_far(me, other)

        yield hv.run(lab)["lab"]


def crash_is_seen(guests: ModuleType, die: random.Random) -> Iterator[Any]:
    """The reasons stand in xen/sched.h: SHUTDOWN_poweroff is not the one."""
    yield "crashed"
    with pyhv.hosted(memory=64) as hv:
        domain = hv.create("lab", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await guests.crash_politely(me)

        hv.run(lab)
        yield domain.wait("crashed", "shut down", "alive")


POINTS = [host_is_named, pages_go, pages_come_back, too_far_is_refused, crash_is_seen]
