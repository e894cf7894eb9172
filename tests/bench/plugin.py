# How many instructions of a hypervisor a run of QEMU executes between some places of the code.
"""Count with QEMU's plugin (count.cpp), fast enough to have all of real Xen's boot before it."""

import itertools
import os
import select
import subprocess
import time

import emulate
import ours
from pyhv import qemu
from pyhv.emulator import _die_with_parent
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD
from pyhv.speed import scaled


def between(machine: Machine, within: range, places: list[int], timeout: float) -> list[int]:
    """Run a machine of QEMU; return the instructions `within` from each place to the next.

    Each place is where a function begins; they are reached in their order.
    """
    pipe = BUILD / "bench" / "counted"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    words = [f"low={within.start:x}", f"high={within.stop:x}", f"out={pipe}"]
    words += [f"place={place:x}" for place in places]
    with subprocess.Popen(
        [*qemu.command(emulate.exact(machine), ("-serial", "null"), None),
         "-plugin", ",".join([str(ours.counter()), *words])],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,
    ) as process:
        try:
            counts = _read(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), len(places), timeout)
        finally:
            process.kill()
    return [later - earlier for earlier, later in itertools.pairwise(counts)]


def _read(pipe: int, wanted: int, timeout: float) -> list[int]:
    told, end = b"", time.monotonic() + scaled(timeout)
    with os.fdopen(pipe, "rb", buffering=0) as lines:
        while told.count(b"\n") < wanted:
            left = end - time.monotonic()
            if left <= 0 or not select.select([lines], [], [], left)[0]:
                raise Failure(f"only {told.count(10)} of {wanted} places were reached")
            if not (piece := lines.read(4096)):
                raise Failure(f"QEMU ended with {told.count(10)} of {wanted} places reached")
            told += piece
    return [int(line) for line in told.split()]
