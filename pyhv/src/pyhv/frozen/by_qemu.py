# QEMU's door: its gdb stub, told to speak of physical memory.
"""Stop and look into QEMU through the socket that Machine.debugger names."""

from pyhv.debugger import Debugger, DebuggerRefused
from pyhv.emulator import Emulator
from pyhv.errors import NoDebugger, NoSuchMemory


class QemuDoor:
    """All processors stop and go on together; a breakpoint concerns them all."""

    def __init__(self, emulator: Emulator) -> None:
        path = emulator.machine.debugger
        if path is None:
            raise NoDebugger("QEMU was started without a debugger's socket: "
                             "describe the machine with Machine(debugger=PATH)")
        self._debugger = Debugger(path)
        self._debugger.see_physical(True)
        self._names = self._debugger.processors()

    def read(self, address: int, count: int) -> bytes:
        """Return bytes of physical memory. Raises NoSuchMemory where there is none."""
        try:
            return self._debugger.read(address, count)
        except DebuggerRefused as refused:
            raise NoSuchMemory(f"the machine has no memory at {address:#x}") from refused

    def registers(self, processor: int) -> dict[str, int]:
        """Return the registers of a processor."""
        self._debugger.choose(self._names[processor])
        return self._debugger.registers()

    def set_breakpoint(self, address: int) -> None:
        """Stop whoever comes to that virtual address."""
        self._debugger.set_breakpoint(address)

    def clear_breakpoint(self, address: int) -> None:
        """Stop nobody there any more."""
        self._debugger.clear_breakpoint(address)

    def step(self, processor: int) -> None:
        """Let one processor execute one instruction, while the others stand still.

        No interrupt comes to it meanwhile, and no timer runs on.
        """
        self._debugger.step(self._names[processor])

    def run(self, timeout: float) -> int | None:
        """Let the machine run; return who met a breakpoint, or None after that many seconds."""
        name = None
        self._debugger.go_on()
        try:
            name = self._debugger.wait_for_stop(timeout)
        finally:
            if name is None:  # in time, or ever: Ctrl-C came first
                self._debugger.interrupt()
        return None if name is None else self._names.index(name)

    def leave(self) -> None:
        """Let the machine go on by itself; another debugger may come."""
        self._debugger.leave()
