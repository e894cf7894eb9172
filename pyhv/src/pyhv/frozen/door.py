# The way into a stopped machine: what each emulator's debugger is asked for.
"""What `freeze` needs of an emulator: QEMU's answer is in by_qemu.py, Bochs's in by_bochs.py."""

from typing import Protocol

from pyhv.emulator import Emulator


class Door(Protocol):
    """A machine that stands still for as long as this is open.

    Processors have the emulator's numbers, which follow the order of their APIC ids.
    """

    def read(self, address: int, count: int) -> bytes:
        """Return bytes of physical memory. Raises NoSuchMemory where there is none."""

    def registers(self, processor: int) -> dict[str, int]:
        """Return the registers of a processor, as they are in the world that it is in."""

    def set_breakpoint(self, address: int) -> None:
        """Have `run` return when a processor comes to that virtual address, in any world."""

    def clear_breakpoint(self, address: int) -> None:
        """Have nobody stop there any more."""

    def step(self, processor: int) -> None:
        """Let one processor execute one instruction; the others stand still if they can."""

    def run(self, timeout: float) -> int | None:
        """Let the machine run; return who met a breakpoint, or None after that many seconds."""

    def leave(self) -> None:
        """Let the machine go on by itself."""


def open_door(emulator: Emulator) -> Door:
    """Stop the machine and return the way in. Raises NoDebugger."""
    from pyhv.frozen.by_bochs import BochsDoor
    from pyhv.frozen.by_qemu import QemuDoor

    return (BochsDoor if emulator.machine.emulator == "bochs" else QemuDoor)(emulator)
