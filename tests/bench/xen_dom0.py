# Real Xen's side of the bench: a Linux dom0 creates the guests in turn.
"""Boot real Xen with some guests, and return what COM1 said."""

import re
from collections.abc import Callable
from pathlib import Path

import emulate
from figures import Figure, Figures
from guests import kept_for
from pyhv import debian, xen, xl
from pyhv.machine import Machine
from pyhv.paths import BUILD
from pyhv.xl import Guest

WORK = BUILD / "bench"
# What in Xen finds out how long the guest's instruction was.
DECODER = "svm_get_insn_len"
OVER = "the bench is over"


def with_sections() -> Path:
    """Return Xen as an EFI program: the same code, and a file that names its sections."""
    return debian.unpack(xen.fetch()[0]) / "boot" / "xen-4.17-amd64.efi"


def _script(guests: list[Guest], idle: list[Guest]) -> str:
    """Create the guests in turn, wait for the last one's end, and tell what it said.

    Those that are to be idle come first, and go before the others: Xen's key `m` tells of its
    memory.
    """
    *others, last = guests
    lines = ["xl debug-keys m"] if idle else []
    lines += [f"xl create -p /{guest.name}.xl && xl debug-keys m" for guest in idle]
    lines += [f"xl destroy {guest.name}" for guest in idle]
    lines += [f"xl create /{guest.name}.xl" for guest in others]
    lines += [
        f"grep {DECODER} /proc/xen/xensyms", f"xl create -F /{last.name}.xl",
        f"cat /var/log/xen/console/guest-{last.name}.log", f"echo {OVER}", "poweroff -f",
    ]
    return "\n".join([*lines, ""])


def memory(said: str) -> Figures:
    """Return what is kept at boot, and for a domain."""
    free = [int(found) for found in re.findall(r"Dom heap: (\d+)kB free", said)]
    ram = int(re.search(r"System RAM: \d+MB \((\d+)kB\)", said)[1])
    return {"kept": Figure(ram - free[0] - xl.DOM0_MIB * 1024)} | kept_for(free)


def machine(
    guests: list[Guest], engine: str = "svm", image: Path | None = None,
    idle: list[Guest] | None = None,
) -> Machine:
    """Return the machine that runs the guests; `image` is Xen, or a changed copy of it."""
    idle = idle or []
    script = _script(guests, idle)
    return xl.machine([*idle, *guests], script, engine, image, name="bench")


def run(
    guests: list[Guest], timeout: float, echo: Callable[[str], None], image: Path | None = None,
    engine: str = "svm", idle: list[Guest] | None = None,
) -> str:
    """Run the guests until the last one has ended; return all that COM1 said."""
    ends = rf"\n{OVER}|crashed on cpu"
    return emulate.run(machine(guests, engine, image, idle), ends, timeout, echo)
