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


def _script(guests: list[Guest], idle: list[Guest], traced: bool) -> str:
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
        f"cat /var/log/xen/console/guest-{last.name}.log",
        *([TRACED.format(name=last.name)] if traced else []), f"echo {OVER}", "poweroff -f",
    ]
    return "\n".join([*lines, ""])


# Runs a guest once more while xentrace writes down each exit: mask 0x81000 is of exits and entries.
# Then counts the exits by their reason. A record is its header, two words of TSC, the reason, and
# the place; a 64-bit guest's has a number and a length of its own (xen/trace.h, TRC_HVM_VMEXIT64).
TRACED = """xentrace -D -e 0x81000 -S 4096 /exits &
until grep -q xentrace /proc/*/comm && xl dmesg | grep -q 'xentrace: initialised'; do sleep 1; done
xl create -F /{name}.xl
kill -INT $!
wait
od -An -v -tx4 -w4 /exits | awk '
    $1 == "a0081002" || $1 == "b0081102" {{ left = 3; next }}
    left > 0 && --left == 0 {{ count[$1]++ }}
    END {{ for (reason in count) print "exits for", reason, count[reason] }}'
"""
# The reason of an exit at a port: in the VMCB, and in the VMCS.
AT_A_PORT = {"svm": 0x7b, "vmx": 30}


def exits(said: str) -> dict[int, int]:
    """Return how often the traced guest came to Xen, by reason."""
    found = re.findall(r"^exits for ([0-9a-f]{8}) (\d+)", said, re.M)
    return {int(reason, 16): int(count) for reason, count in found}


def memory(said: str) -> Figures:
    """Return what is kept at boot, and for a domain."""
    free = [int(found) for found in re.findall(r"Dom heap: (\d+)kB free", said)]
    ram = int(re.search(r"System RAM: \d+MB \((\d+)kB\)", said)[1])
    return {"kept": Figure(ram - free[0] - xl.DOM0_MIB * 1024)} | kept_for(free)


def machine(
    guests: list[Guest], engine: str = "svm", image: Path | None = None,
    idle: list[Guest] | None = None, traced: bool = False,
) -> Machine:
    """Return the machine that runs the guests; `image` is Xen, or a changed copy of it.

    `traced` has the last guest run a second time, while each of its exits is written down.
    """
    idle = idle or []
    script = _script(guests, idle, traced)
    return xl.machine([*idle, *guests], script, engine, image, name="bench")


def run(
    guests: list[Guest], timeout: float, echo: Callable[[str], None], image: Path | None = None,
    engine: str = "svm", idle: list[Guest] | None = None, traced: bool = False,
) -> str:
    """Run the guests until the last one has ended; return all that COM1 said."""
    ends = rf"\n{OVER}|crashed on cpu"
    return emulate.run(machine(guests, engine, image, idle, traced), ends, timeout, echo)
