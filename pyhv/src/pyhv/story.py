# The tour without a person: the same story, each step checked by what the machine says.
"""Walk through the tour's steps on a machine's serial line."""

from collections.abc import Callable

from pyhv import sentences as say
from pyhv.emulator import Emulator

# Bochs runs about thirty times slower than QEMU; seconds on the reference machine.
BOOT = {"qemu": 60.0, "bochs": 240.0}
ANSWER = {"qemu": 20.0, "bochs": 90.0}


class Story:
    """The steps, each of which raises Failure where the machine says something else."""

    def __init__(self, emulator: Emulator, announce: Callable[[str], None]) -> None:
        self.emulator = emulator
        self.announce = announce
        self.boot_timeout = BOOT[emulator.machine.emulator]
        self.answer_timeout = ANSWER[emulator.machine.emulator]

    def reaches_dom0(self) -> None:
        """The hypervisor takes the machine, and dom0's shell asks."""
        self.announce("the hypervisor takes the machine and starts dom0")
        self.emulator.expect(say.FIRST, self.boot_timeout)
        self.emulator.expect(say.DOM0_PROMPT, self.boot_timeout)

    def ask(self, command: str, *answers: str) -> None:
        """Type a command to dom0's shell and expect its answers, in order, and the prompt."""
        self.emulator.send_line(command)
        for answer in answers:
            self.emulator.expect(answer, self.answer_timeout)
        self.emulator.expect(say.DOM0_PROMPT, self.answer_timeout)

    def lists(self, *names: str) -> None:
        """Each domain is in the list."""
        self.announce("the list shows " + ", ".join(names))
        self.ask("list", say.LIST_HEAD, *(say.list_row(name) for name in names))

    def enters(self, name: str) -> None:
        """Tie the terminal to a guest's console."""
        self.emulator.send_line(f"console {name}")

    def leaves(self) -> None:
        """Let go of a guest's console by Ctrl-]."""
        self.emulator.send("\x1d")
        self.emulator.expect(say.DOM0_PROMPT, self.answer_timeout)

    def meets_hello(self) -> None:
        """The guest hello said who it is, and what it found."""
        self.announce("hello has spoken")
        self.enters("hello")
        for line in say.HELLO:
            self.emulator.expect(line, self.answer_timeout)
        self.leaves()

    def in_linux(self, command: str, answer: str) -> None:
        """Type a command to Linux's shell and expect its answer."""
        self.emulator.send_line(command)
        self.emulator.expect(answer, self.answer_timeout)
        self.emulator.expect(say.LINUX_PROMPT, self.answer_timeout)

    def meets_linux(self) -> None:
        """An unmodified Linux runs to a shell, types both ways, and sees Xen."""
        self.announce("Linux wakes")
        self.enters("linux")
        self.emulator.send_line("")
        self.emulator.expect(say.LINUX_PROMPT, self.boot_timeout)
        self.announce("Linux tells where it thinks it is")
        self.in_linux("uname -sr", r"Linux 6\.\S+")
        self.in_linux("echo type: $(cat /sys/hypervisor/type)", r"type: xen\r")
        self.in_linux("echo guest: $(cat /sys/hypervisor/guest_type)", r"guest: PVH\r")
        clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
        self.in_linux(f"echo clock: $(cat {clock})", r"clock: xen\r")
        self.in_linux("echo $((6 * 7)) | rev", r"\n24\r")

    def linux_powers_off(self) -> None:
        """Linux's poweroff ends its domain and nothing else."""
        self.announce("Linux powers off; the machine goes on")
        self.emulator.send_line("poweroff")
        self.emulator.expect(say.powered_off("linux"), self.answer_timeout)
        self.emulator.expect(say.DOM0_PROMPT, self.answer_timeout)

    def machine_powers_off(self) -> None:
        """The last command turns the power off."""
        self.announce("the power goes off")
        self.emulator.send_line(say.POWER_OFF)
        self.emulator.expect_power_off(self.answer_timeout)


def tell(
    emulator: Emulator, announce: Callable[[str], None], with_dom0: bool, with_linux: bool
) -> None:
    """Tell the whole story, as far as the chapters built reach."""
    story = Story(emulator, announce)
    if not with_dom0:
        emulator.expect(say.FIRST, story.boot_timeout)
        emulator.expect_power_off(story.boot_timeout)
        return
    story.reaches_dom0()
    story.meets_hello()
    story.lists("Domain-0", "hello", *(["linux"] if with_linux else []))
    if with_linux:
        story.meets_linux()
        story.linux_powers_off()
    story.machine_powers_off()
