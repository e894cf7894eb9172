# One run that counts: a tick is an instruction, and two runs are the same.
"""Run a machine, counted exactly, until COM1 has said what was waited for."""

from collections.abc import Callable
from dataclasses import replace

from pyhv import qemu
from pyhv.emulator import Emulator
from pyhv.machine import Machine

# What makes a run of QEMU exact: virtual time is the count of instructions, and nothing else
# enters. In Bochs it is so by itself.
EXACT = (*qemu.COUNTED, "-seed", "1", "-rtc", "base=2026-01-01,clock=vm", "-vga", "none")
# In Bochs a second is so many instructions, as it is in QEMU.
IPS = 1_000_000_000
# Bochs is slower by so much.
SLOWER = {"qemu": 1, "bochs": 6}


def exact(machine: Machine) -> Machine:
    """Return the machine as it is emulated here."""
    if machine.emulator == "bochs":
        return replace(machine, ips=IPS)
    return replace(machine, more=EXACT)


def run(machine: Machine, until: str, timeout: float, echo: Callable[[str], None]) -> str:
    """Run the machine until COM1 has said `until`; return all that it said."""
    with Emulator(exact(machine)) as emulator:
        emulator.echo_to(echo)
        emulator.expect(until, timeout * SLOWER[machine.emulator])
        return emulator.log
