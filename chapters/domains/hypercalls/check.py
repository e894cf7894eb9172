# What the lab's guests are asked for, and what a guest that has understood answers.
"""The points of the lab *hypercalls*: each says what it expects, then what came.

Their docstrings are the hints. A seed above 1 draws which pages go, and how a guest ends.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyhv

PAGE = 4096
MEMORY_MIB = 4
REASONS = {"crash": 3, "poweroff": 0, "reboot": 1, "watchdog": 4}
"""Of SHUTDOWN_… in xen/sched.h."""


class Rules(NamedTuple):
    """How far apart the pages are that go and come, and how the last guest ends."""

    stride: int
    reason: str


def _rules(seed: int) -> Rules:
    """Return the book's rules for seed 1, others for the others."""
    if seed == 1:
        return Rules(1, "crash")
    die = random.Random(seed)
    return Rules(die.randint(2, 9), die.choice([name for name in REASONS if name != "crash"]))


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    stride, reason = _rules(seed)
    return (f"`breathe_out` gives back pages that are {stride} frames apart: `first`, "
            f"`first + {stride}`, `first + {2 * stride}` …, `count` of them. `breathe_in` asks for "
            f"the same ones.\n\n`crash_politely` does not crash: its domain ends with the reason "
            f"`SHUTDOWN_{reason}`.")


def _alone(guest: Any) -> Any:
    """Run one guest in a machine of its own, and return what it returned."""
    with pyhv.hosted(memory=64) as hv:
        hv.create("lab", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await guest(me)

        return hv.run(lab)["lab"]


def _some_frames(bench: Any) -> range:
    """Draw frames that lie in the guest's second page of 2 MiB."""
    count, stride = bench.die.randint(2, 40), _rules(bench.seed).stride
    first = 512 + bench.die.randrange(511 - count * stride)
    return range(first, first + count * stride, stride)


def _is_there(domain: Any, frame: int) -> bool:
    return domain.p2m.walk(frame * PAGE).mpa is not None


def host_is_named(bench: Any) -> Iterator[Any]:
    """The host's version: the major number is in the upper half of the word."""
    yield 4, 17
    yield _alone(bench.guests.name_your_host)


def pages_go(bench: Any) -> Iterator[Any]:
    """A hole where the pages were: is nr_extents the count, and each frame 8 bytes?"""
    frames = _some_frames(bench)
    yield f"{len(frames)} went, 0 left, their neighbours stay"
    with pyhv.hosted(memory=64) as hv:
        domain = hv.create("lab", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await bench.guests.breathe_out(me, frames[0], len(frames))

        said = int(hv.run(lab)["lab"])
        left = sum(_is_there(domain, frame) for frame in frames)
        around = {frame + step for frame in frames for step in (-1, 1)} - set(frames)
        stay = all(_is_there(domain, frame) for frame in around)
    neighbours = "their neighbours stay" if stay else "a neighbour went, too"
    yield f"{said} went, {left} left, {neighbours}"


def pages_come_back(bench: Any) -> Iterator[Any]:
    """The last page is read after it came: what is in memory that had another owner?"""
    frames = _some_frames(bench)
    yield f"{len(frames)} pages, the last begins with 00000000"
    with pyhv.hosted(memory=64) as hv:
        domain = hv.create("lab", memory=MEMORY_MIB)
        for frame in frames:
            domain.write(frame * PAGE, b"mine" * (PAGE // 4))

        async def lab(me: Any) -> Any:
            list_at = me.arguments_at - PAGE
            me.write(list_at, b"".join(frame.to_bytes(8, "little") for frame in frames))
            await me.hypercall("memory_op", "decrease_reservation", {
                "extent_start": list_at, "nr_extents": len(frames), "domid": "DOMID_SELF"})
            return await bench.guests.breathe_in(me, frames[0], len(frames))

        seen = hv.run(lab)["lab"]
        there = sum(_is_there(domain, frame) for frame in frames)
    yield f"{there} pages, the last begins with {bytes(seen)[:4].hex()}"


def too_far_is_refused(bench: Any) -> Iterator[Any]:
    """A refusal is an answer, too: answer.error is its name."""
    other = bench.die.choice([0, 2])
    yield "EPERM"
    with pyhv.hosted(memory=64) as hv:
        hv.create("lab", memory=MEMORY_MIB)
        hv.create("other", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await bench.guests.reach_too_far(me, other)

        yield hv.run(lab)["lab"]


def end_is_seen(bench: Any) -> Iterator[Any]:
    """The reasons stand in xen/sched.h: SHUTDOWN_suspend is none of the ends."""
    reason = _rules(bench.seed).reason
    yield f"it ended with reason {REASONS[reason]}"
    with pyhv.hosted(memory=64) as hv:
        hv.create("lab", memory=MEMORY_MIB)

        async def lab(me: Any) -> Any:
            return await bench.guests.crash_politely(me)

        hv.run(lab)
        ends = [event.fields["reason"] for event in hv.trace
                if event.name in ("domain_shut_down", "domain_crashed")]
        yield f"it ended with reason {ends[0]}" if ends else "it lives"


HOSTED = [host_is_named, pages_go, pages_come_back, too_far_is_refused, end_is_seen]
