# What the reader's guest is asked of memories that are made up, and of the one that it wakes in.
"""The points of the lab *start-info*: each says what it expects, then what came.

A seed above 1 draws what is to be measured of the RAM, and how a module is digested.
"""

import random
import struct
from collections.abc import Callable, Iterator
from functools import reduce
from operator import xor
from typing import Any, NamedTuple

MAGIC = 0x336EC578
RAM, RESERVED = 1, 2
SIZE = 0x4000
"""Bytes of a memory that is made up."""
MIB = 1 << 20


class Line(NamedTuple):
    """A line of a guest's memory map."""

    start: int
    size: int
    kind: int = RAM


Measure = Callable[[list[Line]], int]
Digest = Callable[[bytes], int]

MEASURES: list[tuple[str, Measure]] = [
    ("`measure_ram` returns how many bytes of RAM there are.",
     lambda ram: sum(line.size for line in ram)),
    ("`measure_ram` returns the size of the largest line of RAM.",
     lambda ram: max((line.size for line in ram), default=0)),
    ("`measure_ram` returns the first address above all RAM.",
     lambda ram: max((line.start + line.size for line in ram), default=0)),
    ("`measure_ram` returns how many bytes of RAM lie at 1 MiB or above.",
     lambda ram: sum(max(0, line.start + line.size - max(line.start, MIB)) for line in ram)),
]
DIGESTS: list[tuple[str, Digest]] = [
    ("`digest_module` returns the sum of the bytes.", sum),
    ("`digest_module` returns the exclusive or of the bytes.",
     lambda data: reduce(xor, data, 0)),
    ("`digest_module` begins with 0 and, for each byte, multiplies what it has by 31 and adds the "
     "byte, in 32 bits.", lambda data: reduce(lambda so_far, byte: so_far * 31 + byte, data, 0)),
    ("`digest_module` returns the sum of the bytes at even places, the first one's included.",
     lambda data: sum(data[::2])),
]


class Rules(NamedTuple):
    """What is to be measured, and how a module is digested."""

    measure: Measure
    digest: Digest
    text: str


def _rules(seed: int) -> Rules:
    """Return the book's rules for seed 1, others for the others."""
    every = [(measure, digest) for measure in MEASURES for digest in DIGESTS]
    some = every[0] if seed == 1 else random.Random(seed).choice(
        [pair for pair in every if pair[0] != MEASURES[0] and pair[1] != DIGESTS[0]])
    (said, measure), (also, digest) = some
    return Rules(measure, lambda data: digest(data) % 2**32, f"{said}\n\n{also}")


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    return _rules(seed).text


class Memory:
    """A memory that a check makes up: a start info in it, and what that leads to."""

    def __init__(self, die: random.Random, lines: list[Line], words: bytes, cargo: bytes) -> None:
        self.bytes = bytearray(die.randbytes(SIZE))
        self.at = 0x1000 + 8 * die.randrange(64)
        self.fields = {"magic": MAGIC, "version": 1, "flags": 0, "modules": 1, "list": 0x400,
                       "words": 0x800, "rsdp": 0, "map": 0x200, "lines": len(lines)}
        for i, line in enumerate(lines):
            self.put(0x200 + 24 * i, struct.pack("<QQII", *line, 0))
        self.put(0x400, struct.pack("<QQQQ", 0x2000, len(cargo), 0, 0))
        self.put(0x800, words + b"\0")
        self.put(0x2000, cargo)

    def put(self, at: int, data: bytes) -> None:
        """Write bytes, which must fit."""
        self.bytes[at : at + len(data)] = data
        assert len(self.bytes) == SIZE

    def line(self, **other: int) -> str:
        """Return a line for the probe; `other` are fields of the start info that are otherwise."""
        self.put(self.at, struct.pack("<IIIIQQQQII", *(self.fields | other).values(), 0))
        return f"{self.at:x} {self.bytes.hex()}\n"


def _some_map(die: random.Random) -> list[Line]:
    start = die.randrange(1, 200) * 0x1000
    return [Line(0, start), Line(start, 0x100000 - start, RESERVED),
            Line(0x100000, die.randrange(64, 4096) * 0x1000),
            Line(0xFC000000, 0x2000, RESERVED), Line(0x100000000, die.randrange(1, 64) * 0x1000)]


def _some_words(die: random.Random) -> str:
    return f"room={die.randrange(1000)} name=guest{die.randrange(10)}"


def _ram(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.kind == RAM]


def _asked(bench: Any, text: str, field: int) -> str:
    """Return one of the three fields of each of the probe's answers."""
    answers = [line if line == "refused" else line.split(" ", 2)[field]
               for line in bench.probe(text).splitlines()]
    return ", ".join(answers)


def the_start_info_is_checked(bench: Any) -> Iterator[Any]:
    """Is all of it in memory? Has it the magic number? Version 0 has no memory map."""
    yield "read, refused, refused, refused, read"
    memory = Memory(bench.die, _some_map(bench.die), b"", b"")
    text = memory.line() + memory.line(magic=MAGIC ^ 1 << bench.die.randrange(32))
    text += memory.line(version=0)
    text += f"{SIZE - 8:x} {memory.bytes.hex()}\n" + memory.line(version=2)
    answers = bench.probe(text).splitlines()
    yield ", ".join("refused" if answer == "refused" else "read" for answer in answers)


def ram_is_measured(bench: Any) -> Iterator[Any]:
    """A line of the map is 24 bytes: address, size, type. RAM is type 1."""
    lines = _some_map(bench.die)
    yield str(_rules(bench.seed).measure(_ram(lines)))
    yield _asked(bench, Memory(bench.die, lines, b"", b"").line(), 0)


def a_map_that_leads_nowhere_does_no_harm(bench: Any) -> Iterator[Any]:
    """The count of lines is a stranger's word: stop at the first line that is not in memory."""
    lines = _some_map(bench.die)
    measured = _rules(bench.seed).measure(_ram(lines))
    yield f"{measured}, 0, 0"
    memory = Memory(bench.die, lines, b"", b"")
    near = SIZE - 24 * len(lines)
    text = memory.line(map=2**64 - 24, lines=2**32 - 1) + memory.line(map=SIZE, lines=1)
    memory.put(near, memory.bytes[0x200 : 0x200 + 24 * len(lines)])
    text = memory.line(map=near, lines=2**32 - 1) + text
    yield _asked(bench, text, 0)


def the_command_line_is_read(bench: Any) -> Iterator[Any]:
    """It ends at a NUL; where none comes, memory ends. Address 0 means that there is none."""
    words, end = _some_words(bench.die), "to the end"
    yield f"'{words}', '{end}', '', ''"
    memory = Memory(bench.die, _some_map(bench.die), words.encode(), b"")
    text = memory.line()
    memory.put(SIZE - len(end), end.encode())
    text += memory.line(words=SIZE - len(end)) + memory.line(words=0) + memory.line(words=SIZE)
    yield _asked(bench, text, 2)


def the_module_is_digested(bench: Any) -> Iterator[Any]:
    """A module that begins in memory may end beyond it. Is there one at all?"""
    cargo = bench.die.randbytes(bench.die.randrange(100, 1000))
    yield f"{_rules(bench.seed).digest(cargo)}, 0, 0, 0"
    memory = Memory(bench.die, _some_map(bench.die), b"", cargo)
    text = memory.line() + memory.line(modules=0) + memory.line(list=SIZE - 8)
    memory.put(0x400, struct.pack("<QQ", 0x2000, 2**64 - 0x2000))
    yield _asked(bench, text + memory.line(), 1)


class Order(NamedTuple):
    """What a domain is made of."""

    cargo: bytes
    words: str
    mebibytes: int


def _order(bench: Any) -> Order:
    die = bench.die
    return Order(die.randbytes(die.randrange(1000, 9000)), _some_words(die), die.randrange(8, 48))


def _woken(bench: Any, order: Order, field: str) -> str:
    """Create a domain out of the reader's guest, and return what it says of a field."""
    dom0 = bench.dom0(files={"cargo": order.cargo})
    name = field.split()[0].lower()
    dom0.ask(f"create {name} kernel=start-info ramdisk=cargo memory={order.mebibytes} "
             f'cmdline="{order.words}"')
    wanted = rf"survey: (?:{field} ([^\r\n]*)|I found no start info)\r*\n"
    return bench.hear(dom0, name, wanted)[1] or "no start info"


def a_domain_finds_its_ram(bench: Any) -> Iterator[Any]:
    """Dom0 leaves out what a PC keeps for its video memory and BIOS: 0xa0000 to 0xfffff."""
    order = _order(bench)
    ram = [Line(0, 0xA0000), Line(MIB, (order.mebibytes - 1) * MIB)]
    yield str(_rules(bench.seed).measure(ram))
    yield _woken(bench, order, "RAM")


def a_domain_reads_its_words(bench: Any) -> Iterator[Any]:
    """The command line is what stood in quotes where the domain was made."""
    order = _order(bench)
    yield f"'{order.words}'"
    yield _woken(bench, order, "command line")


def a_domain_digests_its_module(bench: Any) -> Iterator[Any]:
    """The module is the ramdisk that dom0 was told of, byte for byte."""
    order = _order(bench)
    yield str(_rules(bench.seed).digest(order.cargo))
    yield _woken(bench, order, "module")


HOSTED = [the_start_info_is_checked, ram_is_measured, a_map_that_leads_nowhere_does_no_harm,
          the_command_line_is_read, the_module_is_digested]
EMULATED = [a_domain_finds_its_ram, a_domain_reads_its_words, a_domain_digests_its_module]
