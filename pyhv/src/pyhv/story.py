# The tour without a person: the same story, each step checked by what the machine says.
"""Walk through the tour's steps on a machine's serial line."""

import re
from collections.abc import Callable

from pyhv import sentences as say
from pyhv.dom0 import BOOT, Dom0
from pyhv.emulator import Emulator

CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"

# What Linux must say of itself: a command, and its answer.
LINUX_SAYS = {
    "uname -sr": r"Linux 6\.\S+",
    "cat /sys/hypervisor/type": r"\bxen\b",
    "cat /sys/hypervisor/guest_type": r"\bPVH\b",
    f"cat {CLOCK}": r"\bxen\b",
    "echo dlrow olleh | rev": r"\bhello world\b",
}


def meet_hello(dom0: Dom0) -> None:
    """The guest hello says who it is, and what it found."""
    dom0.enter("hello")
    for line in say.HELLO:
        dom0.expect(line)
    dom0.leave()


def see_list(dom0: Dom0, *names: str) -> None:
    """The list shows each domain."""
    dom0.type("list")
    dom0.expect(say.LIST_HEAD)
    for name in names:
        dom0.expect(say.list_row(name))
    dom0.expect(say.DOM0_PROMPT)


def meet_linux(dom0: Dom0) -> None:
    """An unmodified Linux runs to a shell, types both ways, and sees Xen."""
    dom0.enter("linux")
    dom0.wait_for_linux()
    for command, answer in LINUX_SAYS.items():
        said = dom0.in_linux(command)
        if not re.search(answer, said):
            raise dom0.machine.failure(f"Linux answers {command!r} with {said!r}, not {answer!r}")


def linux_powers_off(dom0: Dom0) -> None:
    """Linux's poweroff ends its domain and nothing else."""
    dom0.machine.send_line("poweroff")
    dom0.expect(say.powered_off("linux"))
    dom0.expect(say.DOM0_PROMPT)


def only_wake(emulator: Emulator) -> None:
    """The chapter boot: the hypervisor wakes, and turns the power off."""
    timeout = BOOT[emulator.machine.emulator]
    emulator.expect(say.FIRST, timeout)
    emulator.expect_power_off(timeout)


def tell(
    emulator: Emulator, announce: Callable[[str], None], with_dom0: bool, with_linux: bool
) -> None:
    """Tell the whole story, as far as the chapters built reach; raise Failure where it breaks."""
    announce("the hypervisor takes the machine")
    if not with_dom0:
        return only_wake(emulator)
    dom0 = Dom0(emulator)
    dom0.wait_for_prompt()
    announce("dom0 asks; now hello")
    meet_hello(dom0)
    announce("who is here?")
    see_list(dom0, "Domain-0", "hello", *(["linux"] if with_linux else []))
    if with_linux:
        announce("into Linux")
        meet_linux(dom0)
        announce("Linux powers off; the machine goes on")
        linux_powers_off(dom0)
    announce("the power goes off")
    emulator.send_line(say.POWER_OFF)
    emulator.expect_power_off(dom0.timeout)
