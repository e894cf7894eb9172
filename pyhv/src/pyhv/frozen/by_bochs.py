# Bochs's door: the debugger that Debian's Bochs has built in, on its standard input and output.
"""Stop and look into Bochs, as a person does with Ctrl-C and commands at its prompt."""

import re
import signal
import time

from pyhv.emulator import Emulator
from pyhv.errors import Failure, NoDebugger, NoSuchMemory
from pyhv.speed import scaled

PROMPT = re.compile(r"<bochs:\d+> $")
MET = re.compile(r"^\((\d+)\) Breakpoint \d+", re.MULTILINE)
# A line of `xp`: an address, then eight bytes a word.
LINE = re.compile(r"^0x[0-9a-f]+ <[^>]*>:((?:\t0x[0-9a-f]+)+)", re.MULTILINE)
GENERAL = re.compile(r"^(r\w+) *: ([0-9a-f]{8})_([0-9a-f]{8})$", re.MULTILINE)
CONTROL = re.compile(r"^(CR\d|EFER)[=:] ?(?:page fault laddr=)?0x([0-9a-f]+)", re.MULTILINE)
SEGMENT = re.compile(r"^([c-gs]s):0x([0-9a-f]+)", re.MULTILINE)
ANSWER_TIMEOUT = 60.0
HEARD_WITHIN = 3.0


class BochsDoor:
    """Bochs runs its processors in turn; they stop together."""

    def __init__(self, emulator: Emulator) -> None:
        if emulator.process.stdin is None:
            raise NoDebugger("Bochs was started without a way into its debugger: "
                             "describe the machine with Machine(debugger=PATH), any path")
        self._emulator = emulator
        self._heard = len(emulator.words_since(0).encode())
        self._stop()

    # Its prompt

    def _wait_for_prompt(self, timeout: float) -> str | None:
        """Return what was said before the next prompt; None where none came in that time."""
        end = time.monotonic() + timeout
        while not PROMPT.search(said := self._emulator.words_since(self._heard)):
            if self._emulator.process.poll() is not None:
                raise Failure("Bochs ended while its debugger was asked")
            if time.monotonic() > end:
                return None
            time.sleep(0.002)
        self._heard += len(said.encode())
        return said

    def _go_on(self) -> None:
        """Let the machine run, once the command is read: an interrupt before would undo it."""
        self._send("c")
        end = time.monotonic() + scaled(ANSWER_TIMEOUT)
        while "c\n" not in self._emulator.words_since(self._heard):
            if time.monotonic() > end or self._emulator.process.poll() is not None:
                raise Failure("Bochs's debugger did not take the command to go on")
            time.sleep(0.0005)

    def _stop(self) -> str:
        """Return what it said as it stopped, be it for a breakpoint that it met just before."""
        said = self._wait_for_prompt(0)
        end = time.monotonic() + scaled(ANSWER_TIMEOUT)
        while said is None and time.monotonic() < end:
            # An interrupt that comes before the machine runs is lost
            self._emulator.process.send_signal(signal.SIGINT)
            said = self._wait_for_prompt(scaled(HEARD_WITHIN))
        if said is None:
            raise Failure("Bochs did not stop for its debugger")
        return said

    def _send(self, command: str) -> None:
        stdin = self._emulator.process.stdin
        assert stdin is not None
        stdin.write(command.encode() + b"\n")
        stdin.flush()

    def _ask(self, command: str) -> str:
        self._send(command)
        answer = self._wait_for_prompt(scaled(ANSWER_TIMEOUT))
        if answer is None:
            raise Failure(f"Bochs's debugger gave no answer to {command!r}")
        return answer

    # What a door is asked for

    def read(self, address: int, count: int) -> bytes:
        """Return bytes of physical memory. Raises NoSuchMemory where there is none."""
        answer = self._ask(f"xp /{-(-count // 8)}gx {address:#x}")
        words = "".join(LINE.findall(answer)).split()
        content = b"".join(int(word, 16).to_bytes(8, "little") for word in words)
        if len(content) < count:
            raise NoSuchMemory(f"the machine has no memory at {address:#x}")
        return content[:count]

    def registers(self, processor: int) -> dict[str, int]:
        """Return the registers of a processor; Bochs does not tell the bases of FS and GS."""
        self._ask(f"set $cpu={processor}")
        general, control, segments = (self._ask(command) for command in ("r", "creg", "sreg"))
        found = {name: int(high + low, 16) for name, high, low in GENERAL.findall(general)}
        flags = re.search(r"^eflags 0x([0-9a-f]+)", general, re.MULTILINE)
        found["eflags"] = int(flags[1], 16) if flags else 0
        for name, value in CONTROL.findall(control) + SEGMENT.findall(segments):
            found[name.lower()] = int(value, 16)
        return found

    def set_breakpoint(self, address: int) -> None:
        """Stop whoever comes to that virtual address."""
        self._ask(f"lb {address:#x}")

    def clear_breakpoint(self, address: int) -> None:
        """Stop nobody there any more."""
        for number, where in re.findall(r"^ *(\d+) lbreakpoint.*0x([0-9a-f]+)",
                                        self._ask("blist"), re.MULTILINE):
            if int(where, 16) == address:
                self._ask(f"d {number}")

    def step(self, processor: int) -> None:
        """Let one processor execute one instruction, while the others stand still."""
        self._ask(f"s {processor} 1")

    def run(self, timeout: float) -> int | None:
        """Let the machine run; return who met a breakpoint, or None after that many seconds."""
        said = None
        try:
            self._go_on()
            said = self._wait_for_prompt(timeout)
        finally:
            if said is None:  # in time, or ever: Ctrl-C came first
                said = self._stop()
        met = MET.search(said)
        return int(met[1]) if met else None

    def leave(self) -> None:
        """Let the machine go on by itself."""
        self._go_on()
