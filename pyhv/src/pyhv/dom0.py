# dom0's shell as a person uses it: commands, answers, a guest's console.
"""Talk to dom0 over the machine's serial line."""

import re
from collections.abc import Callable
from typing import TypeVar

from pyhv import sentences as say
from pyhv.emulator import Emulator

# Seconds to boot and to answer. Bochs runs about thirty times slower than QEMU.
BOOT = {"qemu": 60.0, "bochs": 240.0}
ANSWER = {"qemu": 20.0, "bochs": 90.0}

LEAVE_CONSOLE = "\x1d"

Answer = TypeVar("Answer")


class Dom0:
    """A machine that boots to dom0's prompt; the boot module's rc must end with `list`."""

    def __init__(self, machine: Emulator) -> None:
        self.machine = machine
        self.boot_timeout = BOOT[machine.machine.emulator]
        self.timeout = ANSWER[machine.machine.emulator]
        self.questions = 0

    def wait_for_prompt(self) -> None:
        """Wait until the hypervisor has woken and dom0 has done what rc says."""
        self.machine.expect(say.FIRST, self.boot_timeout)
        wanted = say.DOM0_PROMPT + r"list\r*\n"
        index, match = self.machine.expect_any([wanted, *say.GIVES_UP], self.boot_timeout)
        if index > 0:
            raise self.machine.failure(match[0].strip())
        self.expect(say.DOM0_PROMPT)

    def expect(self, pattern: str) -> re.Match[str]:
        """Wait for something to be said."""
        return self.machine.expect(pattern, self.timeout)

    def type(self, command: str) -> None:
        """Type a command and wait until it has been echoed."""
        self.machine.send_line(command)
        self.expect(re.escape(command) + r"\r*\n")

    def ask(self, command: str) -> str:
        """Type a command and return all that is said until the next prompt."""
        self.type(command)
        self.expect(say.DOM0_PROMPT)
        return self.machine.before

    def _row(self, name: str) -> re.Match[str] | None:
        """Return a domain's line in the list, or None if it has none."""
        self.type("list")
        self.expect(say.LIST_HEAD)
        rows = [say.list_row(name), say.DOM0_PROMPT]
        index, match = self.machine.expect_any(rows, self.timeout)
        if index == 1:
            return None
        self.expect(say.DOM0_PROMPT)
        return match

    def state(self, name: str) -> str | None:
        """Return the six letters of a domain's state, or None if it is not in the list."""
        row = self._row(name)
        return row[1] if row else None

    def seconds_run(self, name: str) -> float:
        """Return for how long a domain's vCPUs have run, added up, to a tenth."""
        return float(self._row(name)[2])

    def enter(self, name: str) -> None:
        """Tie the line to a guest's console."""
        self.type(f"console {name}")

    def leave(self) -> None:
        """Let go of a guest's console by Ctrl-]."""
        self.machine.send(LEAVE_CONSOLE)
        self.expect(say.DOM0_PROMPT)

    def from_console(self, name: str, ask: Callable[[str], Answer]) -> Answer:
        """Leave Linux's console, have `ask` talk to dom0 about it, and go back."""
        self.leave()
        answer = ask(name)
        self.enter(name)
        self.wait_for_linux()
        return answer

    def wait_for_linux(self) -> None:
        """In Linux's console: wait until its shell asks, and answers what was not said before."""
        self.machine.expect(say.LINUX_PROMPT, self.boot_timeout)
        self.questions += 1
        self.machine.send_line(f"echo question $((1000 + {self.questions}))")
        self.expect(rf"question {1000 + self.questions}\r*\n")
        self.expect(say.LINUX_PROMPT)

    def in_linux(self, command: str) -> str:
        """In Linux's console: type a command and return what it says until the next prompt."""
        self.type(command)
        self.expect(say.LINUX_PROMPT)
        return self.machine.before
