# What the reader's memory map is asked, and a second map beside it that is made otherwise.
"""The points of the lab *memory-map*: each says what it expects, then what came.

What is right is worked out here a second time, page by page and not border by border, so that the
two ways can judge each other. A seed above 1 draws other rules.
"""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from pyhv import sentences as say

PAGE = 4096
KINDS = {1: "usable", 2: "reserved", 3: "acpi", 4: "acpi_nvs", 5: "bad"}
SEVERITY = {1: 1, 2: 4, 3: 2, 4: 3, 5: 5}
MOST = 64
END_OF_ADDRESSES = 1 << 52

WINNERS = {
    "worst": "Where lines overlap, the less usable kind is believed.",
    "last": "Where lines overlap, the one that stands last in the firmware's list is believed, "
            "whatever its kind.",
    "first": "Where lines overlap, the one that stands first in the firmware's list is believed, "
             "whatever its kind.",
    "shortest": "Where lines overlap, the one with the fewest pages is believed, whatever its "
                "kind; of two that are as long, the first in the firmware's list.",
}
JOINED = {
    "all": "Stretches that touch are joined where they are of one kind.",
    "usable": "Stretches that touch are joined where both are usable. All others stay apart at "
              "each place where some line begins or ends.",
}


class Line(NamedTuple):
    """A line of the firmware's map, or a stretch of the ordered one."""

    start: int
    end: int
    kind: int


def _rules(seed: int) -> tuple[str, str]:
    """Return who wins, and what is joined: the book's rules for seed 1, others for the others."""
    every = [(winner, joined) for winner in WINNERS for joined in JOINED]
    return every[0] if seed == 1 else random.Random(seed).choice(every[1:])


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    winner, joined = _rules(seed)
    return f"{WINNERS[winner]}\n\n{JOINED[joined]}"


def _in_pages(line: Line) -> Line:
    """Shrink usable memory to whole pages, let all else grow, and cut at the end of addresses."""
    up = -PAGE
    start, end = min(line.start, END_OF_ADDRESSES), min(line.end, END_OF_ADDRESSES)
    first, last = -(-start & up), end & up
    if line.kind != 1:
        first, last = start & up, -(-end & up)
    return Line(first, max(first, last), line.kind)


def _winner(lines: list[Line], winner: str) -> Line:
    if winner == "worst":
        return max(lines, key=lambda line: SEVERITY[line.kind])
    if winner == "shortest":
        return min(lines, key=lambda line: line.end - line.start)
    return lines[-1 if winner == "last" else 0]


def _ordered(raw: list[Line], rules: tuple[str, str]) -> str:
    """Return the map as it should be, in the words that _told uses."""
    whole = [line for line in map(_in_pages, raw) if line.start < line.end]
    borders = sorted({place for line in whole for place in line[:2]})
    found: list[Line] = []
    for start, end in pairwise(borders):
        there = [line for line in whole if line.start <= start < line.end]
        if not there:
            continue
        kind = _winner(there, rules[0]).kind
        last = found[-1] if found else None
        joins = last and last.kind == kind and last.end == start and (
            kind == 1 or rules[1] == "all")
        if last and joins:
            found[-1] = Line(last.start, end, kind)
        elif len(found) == MOST:
            return _told(found) + ", XEN_ENOSPC"
        else:
            found.append(Line(start, end, kind))
    return _told(found)


def _told(lines: list[Line]) -> str:
    return ", ".join(f"{line.start:#x} to {line.end:#x} {KINDS[line.kind]}" for line in lines)


def _read(answer: str) -> str:
    """Return a line of the probe's in the same words."""
    lines, more = [], ""
    for word in answer.split():
        if "/" not in word:
            more = f", XEN_{word}"
            continue
        places, kind = word.split("/")
        start, end = (int(place, 16) for place in places.split("-"))
        lines.append(Line(start, end, int(kind)))
    return (_told(lines) or "an empty map") + more


def _ask(bench: Any, maps: list[list[Line]]) -> list[str]:
    text = "".join(
        "".join(f"{line.start:x} {line.end - line.start:x} {line.kind}\n" for line in raw)
        + "order\n" for raw in maps)
    return [_read(answer) for answer in bench.probe(text).splitlines()]


def _one(bench: Any, raw: list[Line]) -> Iterator[Any]:
    yield _ordered(raw, _rules(bench.seed))
    yield _ask(bench, [raw])[0]


def _at(die: random.Random) -> int:
    return die.randrange(1, 1000) * 0x10000


def lines_come_out_ascending(bench: Any) -> Iterator[Any]:
    """Firmware promises no order: sort the places where lines begin and end, and walk those."""
    at = _at(bench.die)
    return _one(bench, [Line(at + 0x8000, at + 0x9000, 2), Line(at, at + 0x2000, 1),
                        Line(at + 0x4000, at + 0x5000, 3)])


def neighbours_are_joined(bench: Any) -> Iterator[Any]:
    """Two usable lines that touch are one stretch: compare with the last that you appended."""
    at = _at(bench.die)
    return _one(bench, [Line(at + 0x2000, at + 0x5000, 1), Line(at, at + 0x2000, 1),
                        Line(at + 0x5000, at + 0x6000, 2), Line(at + 0x6000, at + 0x7000, 2)])


def overlaps_are_settled(bench: Any) -> Iterator[Any]:
    """Between two borders nothing changes: of the lines that speak of a stretch, one is right."""
    at = _at(bench.die)
    lines = [Line(at, at + 0x10000, 1), Line(at + 0x4000, at + 0x6000, 2),
             Line(at + 0x5000, at + 0x9000, 3), Line(at + 0x8000, at + 0xa000, 1)]
    return _one(bench, lines)


def pages_are_whole(bench: Any) -> Iterator[Any]:
    """in_whole_pages() rounds a line, and is given: is it asked for each line, before all else?"""
    odd = bench.die.randrange(1, PAGE)
    return _one(bench, [Line(0, 0x9f000 + odd, 1), Line(0x9f000 + odd, 0xa0000, 2)])


def nonsense_does_no_harm(bench: Any) -> Iterator[Any]:
    """A line may be empty, or lie beyond all addresses: rounded, it has 0 bytes."""
    at = _at(bench.die)
    return _one(bench, [Line(2**64 - 11, 2**65 - 12, 1), Line(0x1000, 0x1000, 1),
                        Line(at, at + 2**64 - 1, 1)])


def a_full_map_says_so(bench: Any) -> Iterator[Any]:
    """facts.memory_map has room for 64: the 65th is XEN_ENOSPC, and the first 64 stay."""
    at = _at(bench.die)
    lines = [Line(at + i * 0x3000, at + i * 0x3000 + PAGE, 1 + i % 2) for i in range(MOST + 6)]
    right = _ordered(lines, _rules(bench.seed)).split(", ")
    yield f"{MOST} stretches, the last {right[MOST - 1]}, then {right[-1]}"
    came = _ask(bench, [lines])[0].split(", ")
    yield f"{sum(' to ' in each for each in came)} stretches, the last {came[-2:][0]}, then " \
          f"{came[-1]}"


def any_map_comes_out_right(bench: Any) -> Iterator[Any]:
    """Take the map that came out wrong, and walk its borders with a pencil."""
    maps = [_any_map(bench.die) for _ in range(200)]
    yield "200 of 200 maps are right"
    for raw, answer in zip(maps, _ask(bench, maps), strict=True):
        right = _ordered(raw, _rules(bench.seed)) or "an empty map"
        if answer != right:
            yield f"of {_told(raw) or 'an empty map'} you made {answer}; right is {right}"
    yield "200 of 200 maps are right"


def _any_map(die: random.Random) -> list[Line]:
    lines = []
    for _ in range(die.randrange(1, 9)):
        start = die.randrange(64) * 0x800
        lines.append(Line(start, start + die.randrange(3, 32) * 0x800, die.randint(1, 5)))
    return lines


def _memory(bench: Any) -> int:
    return 256 + bench.die.randrange(200)


def the_machine_finds_its_memory(bench: Any) -> Iterator[Any]:
    """The hypervisor says so after reading the map; compare with the lines that QEMU gives it."""
    memory = _memory(bench)
    pattern = say.MEMORY + r", the last byte below (0x[0-9a-f]+)[.]"
    said = bench.ours(memory).expect(pattern, bench.boot_timeout)
    yield f"{said[1]} MiB of RAM, the last byte below {said[2]}"
    said = bench.expect(bench.boot(memory), pattern)
    yield f"{said[1]} MiB of RAM, the last byte below {said[2]}"


def a_domain_lives_in_it(bench: Any) -> Iterator[Any]:
    """Frames are handed out by your map: one that is no RAM, or firmware's, would break a guest."""
    yield "hello: I am awake"
    dom0 = bench.dom0(_memory(bench))
    dom0.ask("create hello kernel=hello memory=16")
    yield bench.hear(dom0, "hello", say.HELLO[0])[0]


HOSTED = [lines_come_out_ascending, neighbours_are_joined, overlaps_are_settled, pages_are_whole,
          nonsense_does_no_harm, a_full_map_says_so, any_map_comes_out_right]
EMULATED = [the_machine_finds_its_memory, a_domain_lives_in_it]
