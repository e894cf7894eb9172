# Real Xen with a Linux dom0: each life of the oracle's guest is one `xl create`.
"""Ask real Xen through xl, on either engine: without an IOMMU there is no other first domain."""

import re
from pathlib import Path

from pyhv import xl
from pyhv.emulator import Emulator
from pyhv.errors import Failure
from pyhv.machine import Machine

BEGINS, OVER = "a life begins:", "a life is over:"
# What xl says of a domain's end; a life that ended in no way of its own is a mistake of ours.
SHUT_DOWN = re.compile(r"has shut down, reason code (\d+)")
# Our dom0 tells endings in these words; whatever else the reason is, it says `powered off`.
ENDINGS = {1: "rebooted", 3: "crashed"}
# Every word on port 0xe9 is printed, without a limit on the rate.
OPTIONS = "guest_loglvl=all/all"
# Linux boots and the first life begins in so many seconds; a life lasts so long at most.
BOOT = {"qemu": 400.0, "bochs": 1800.0}
LIFE = {"qemu": 60.0, "bochs": 600.0}

# What dom0 does: the domain is gone before the next life begins, however it ended.
LIVE = """live() {
    echo "%(begins)s $1"
    xl create -F /oracle.xl "cmdline=\\"$1\\"" 'on_reboot="destroy"' 'on_soft_reset="destroy"'
    xl destroy oracle 2>/dev/null
    echo "%(over)s $1"
}
"""


def machine(guest: Path, lives: list[str], engine: str) -> Machine:
    """Return real Xen with a Linux dom0 that has the guest live those lives."""
    script = LIVE % {"begins": BEGINS, "over": OVER}
    script += "".join(f"live {words}\n" for words in lives) + "poweroff -f\n"
    order = xl.Guest("oracle", guest, memory_mib=32, vcpus=2)
    return xl.machine([order], script, engine, options=OPTIONS, name="oracle")


def each_life(emulator: Emulator, lives: list[str]):
    """Yield, of each life in turn, what COM1 said and how it ended."""
    kind = emulator.machine.emulator
    emulator.expect(rf"\n{BEGINS}", BOOT[kind])
    for words in lives:
        emulator.expect(rf"{OVER} {re.escape(words)}\r*\n", LIFE[kind])
        said = emulator.before
        if not (ended := SHUT_DOWN.search(said)):
            raise Failure(f"xl did not say how the life {words!r} ended", said[-3000:])
        yield words, said, ENDINGS.get(int(ended[1]), "powered off")
