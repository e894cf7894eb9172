# One run of QEMU that counts: a tick is an instruction, and two runs are the same.
"""Run QEMU under -icount until COM1 has said what was waited for."""

import os
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Callable

from pyhv.emulator import _die_with_parent, readable
from pyhv.errors import Failure
from pyhv.speed import scaled

# QEMU tells of RDTSCP as of RDTSC, and MWAIT faults; real Xen's first domain dies of SMAP and SMEP.
MODEL = "EPYC,-rdtscp,-monitor,-smap,-smep"

# What makes a run exact: virtual time is the count of instructions, and nothing else enters.
EXACT = (
    "-accel", "tcg", "-cpu", MODEL, "-smp", "1", "-display", "none", "-no-reboot",
    "-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm",
    "-serial", "stdio",
)


def run(words: list[str], until: str, timeout: float, echo: Callable[[str], None]) -> str:
    """Run QEMU with more words until a line matches `until`; return all that COM1 said."""
    with tempfile.TemporaryFile() as stderr, subprocess.Popen(
        ["qemu-system-x86_64", *EXACT, *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=stderr, preexec_fn=_die_with_parent,
    ) as process:
        try:
            return _read(process, re.compile(until, re.M), scaled(timeout), echo)
        finally:
            process.kill()


def _read(
    process: subprocess.Popen, until: re.Pattern, timeout: float, echo: Callable[[str], None]
) -> str:
    said, end = "", time.monotonic() + timeout
    while not until.search(readable(said)):
        left = end - time.monotonic()
        if left <= 0:
            raise Failure(f"waited {timeout:.0f} s for {until.pattern!r}", said[-3000:])
        if not select.select([process.stdout], [], [], left)[0]:
            continue
        piece = os.read(process.stdout.fileno(), 65536)
        if not piece:
            raise Failure(f"QEMU ended before it said {until.pattern!r}", said[-3000:])
        said += piece.decode(errors="replace")
        echo(piece.decode(errors="replace"))
    return readable(said)
