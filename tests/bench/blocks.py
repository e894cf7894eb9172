# Where the instructions go: QEMU's own trace of one run, added up by function.
"""Count the hypervisor's instructions per function between places of the code.

QEMU tells of each block of code that it translates (`-d in_asm`) and that it runs (`-d exec`), here
only of the hypervisor's range. A block counts for the function that holds its first instruction.
"""

import bisect
import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import emulate
from pyhv import qemu
from pyhv.emulator import _die_with_parent
from pyhv.errors import Failure
from pyhv.machine import Machine

# A repeated store runs once for each word: memset fills words by the million before a guest starts.
REPEATED = re.compile(r"^\s*([0-9a-f]+):.*\brep (?:stos|movs)", re.M)
RAN = re.compile(rb"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/", re.M)
TRANSLATED = re.compile(rb"^IN:.*\n((?:0x[0-9a-f]+:.*\n)+)", re.M)


class Symbols:
    """The functions of an ELF, by address."""

    def __init__(self, elf: Path) -> None:
        words = ["nm", "-C", "--defined-only", str(elf)]
        lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found = re.findall(r"^([0-9a-f]+) [tTwW] (.*)$", lines, re.M)
        pairs = sorted((int(address, 16), name) for address, name in found)
        self._starts, self._names = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def name(self, address: int) -> str:
        """Return the function that holds an address."""
        at = bisect.bisect_right(self._starts, address) - 1
        return self._names[at] if at >= 0 else hex(address)

    def address(self, name: str) -> int:
        """Return a function's first address."""
        return self._starts[self._names.index(name)]

    def starts_at(self, address: int) -> bool:
        """Return whether a function begins here."""
        at = bisect.bisect_left(self._starts, address)
        return at < len(self._starts) and self._starts[at] == address


@dataclass
class Count:
    """Blocks that ran, and how long each is."""

    ran: Counter = field(default_factory=Counter)
    lengths: dict[int, int] = field(default_factory=dict)

    def take(self, text: bytes, also_ran: bool = True) -> None:
        """Add a piece of QEMU's log: what was translated, and what ran."""
        for found in TRANSLATED.finditer(text):
            lines = found[1].splitlines()
            self.lengths[int(lines[0].split(b":")[0], 16)] = len(lines)
        if also_ran:
            self.ran.update(RAN.findall(text))

    def functions(self, symbols: Symbols, within: range) -> tuple[Counter, Counter]:
        """Return instructions, and calls, by function."""
        instructions, calls = Counter(), Counter()
        for key, times in self.ran.items():
            address = int(key, 16)
            if address not in within:
                continue
            name = symbols.name(address)
            instructions[name] += times * self.lengths.get(address, 1)
            if symbols.starts_at(address):
                calls[name] += times
        return instructions, calls


def _ranges(image: Path, within: range, places: list[int]) -> str:
    """Return what is traced, for -dfilter: `within` without memset's loops, and `places`."""
    words = ["objdump", "-d", "--no-show-raw-insn", "--disassemble=memset", str(image)]
    code = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    starts = [within.start, *(int(address, 16) + 1 for address in REPEATED.findall(code))]
    ends = [*(start - 2 for start in starts[1:]), within.stop - 1]
    pairs = [*zip(starts, ends, strict=True), *((place, place + 15) for place in places)]
    return ",".join(f"{start:#x}..{end:#x}" for start, end in pairs)


def run(
    machine: Machine, image: Path, within: range, places: list[int], work: Path
) -> list[Count]:
    """Run QEMU from its start; count from each place to the next, in the order they are reached.

    What memset stores counts once, however many words it fills.
    """
    pipe = work / "trace"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    ranges = _ranges(image, within, places)
    trace = ["-d", "in_asm,exec,nochain", "-dfilter", ranges, "-D", str(pipe)]
    with subprocess.Popen(
        [*qemu.command(emulate.exact(machine), ("-serial", "null"), None), *trace],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,
    ) as process:
        try:
            return _read(pipe, [b"/%016x/" % place for place in places])
        finally:
            process.kill()


def _read(pipe: Path, places: list[bytes]) -> list[Count]:
    before, counts, rest = Count(), [], b""
    with pipe.open("rb", buffering=0) as log:
        while len(counts) < len(places) and (piece := log.read(1 << 20)):
            # Blocks are parted by empty lines and by lines that begin with Trace: keep the last
            text, mark, rest = (rest + piece).rpartition(b"\nTrace ")
            text, rest = text + b"\n", mark[1:] + rest
            while len(counts) < len(places) and places[len(counts)] in text:
                done, _, text = text.partition(places[len(counts)])
                (counts or [before])[-1].take(done, also_ran=bool(counts))
                # A block is translated once, and may run later
                counts.append(Count(lengths=before.lengths))
            (counts or [before])[-1].take(text, also_ran=bool(counts))
    if len(counts) < len(places):
        raise Failure(f"the trace ended before {places[len(counts)].decode()} was reached")
    return counts[:-1]
