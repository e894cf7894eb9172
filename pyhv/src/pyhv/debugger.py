# A debugger's side of gdb's remote protocol: as much of it as a test needs to break a machine.
"""Stop QEMU's processors, look at their registers, change them, and let them go on."""

import subprocess
from pathlib import Path

from pyhv.errors import Failure
from pyhv.sockets import connect
from pyhv.speed import scaled

# x86-64's registers in the order of gdb's numbers, as far as all have their size in common.
WIDE = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16)),
        "rip")
NARROW = ("eflags", "cs", "ss", "ds", "es", "fs", "gs")
CONTROL = ("fs_base", "gs_base", "k_gs_base", "cr0", "cr2", "cr3", "cr4", "cr8", "efer")
SIZES = [(name, 4 if name in NARROW else 8) for name in (*WIDE, *NARROW, *CONTROL)]
REGISTERS = {name: (number, size) for number, (name, size) in enumerate(SIZES)}
# What one packet of QEMU's holds, two digits a byte.
MOST_BYTES = 2000
INTERRUPTS_ON = 1 << 9


def address_of(image: Path, symbol: str) -> int:
    """Return the address of a symbol of the image."""
    listing = subprocess.run(["nm", str(image)], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        address, _, name = line.split(" ", 2)
        if name == symbol:
            return int(address, 16)
    raise Failure(f"{image} has no symbol {symbol}")


class DebuggerRefused(Failure):
    """QEMU's answer to its debugger was an error."""


class Debugger:
    """A connection to a machine with a debugger's socket; it stops at once. See Machine."""

    def __init__(self, path: Path, timeout: float = 20.0) -> None:
        self._timeout = scaled(timeout)
        self._socket = connect(path, "debugger", timeout)
        self._heard = b""
        try:
            self._ask("QStartNoAckMode")
        except TimeoutError:
            raise Failure("QEMU's debugger does not answer: it hears one program at a time, and "
                          "another may have it") from None
        # QEMU shows single registers only to those who asked what registers there are
        self._ask("qXfer:features:read:target.xml:0,1000")

    # Packets: $, the text, #, and a checksum of two digits.

    def _send(self, text: str) -> None:
        checksum = sum(text.encode()) & 0xFF
        try:
            self._socket.sendall(f"${text}#{checksum:02x}".encode())
        except OSError as error:
            raise Failure("QEMU hung up on its debugger") from error

    def _receive(self) -> str:
        while self._heard.count(b"#") == 0 or len(self._heard.partition(b"#")[2]) < 2:
            more = self._socket.recv(4096)
            if not more:
                raise Failure("QEMU hung up on its debugger")
            self._heard += more
        packet, _, rest = self._heard.partition(b"#")
        self._heard = rest[2:]
        return packet.partition(b"$")[2].decode()

    def _ask(self, text: str) -> str:
        self._send(text)
        answer = self._receive()
        while answer[:1] in ("T", "S"):
            # It says that it stopped: on our arrival, unasked
            answer = self._receive()
        if answer.startswith("E") and len(answer) == 3:
            raise DebuggerRefused(f"QEMU refused the debugger's {text!r}: {answer}")
        return answer

    # Going on and stopping; all processors do both together.

    def go_on(self) -> None:
        """Let the machine run."""
        self._send("c")

    def interrupt(self) -> None:
        """Stop the machine where it is."""
        self._socket.sendall(b"\x03")
        self._receive()

    def wait_for_stop(self, timeout: float) -> str | None:
        """Return the processor that met a breakpoint, or None where none did in that time."""
        self._socket.settimeout(timeout)
        try:
            return self._receive().partition("thread:")[2].rstrip(";")
        except TimeoutError:
            return None
        finally:
            self._socket.settimeout(self._timeout)

    def step(self, processor: str) -> None:
        """Let one processor execute one instruction, while the others stand still."""
        self._send(f"vCont;s:{processor}")
        self._receive()

    def set_breakpoint(self, address: int) -> None:
        """Stop whichever processor comes to that virtual address, in whatever world."""
        self._ask(f"Z0,{address:x},1")

    def clear_breakpoint(self, address: int) -> None:
        """Stop nobody there any more."""
        self._ask(f"z0,{address:x},1")

    def leave(self) -> None:
        """Let the machine run without a debugger: another may come."""
        self.see_physical(False)
        self._ask("D")
        self._socket.close()

    # A stopped machine.

    def processors(self) -> list[str]:
        """Return the names that the debugger has for the processors."""
        names = []
        answer = self._ask("qfThreadInfo")
        while answer.startswith("m"):
            names += answer[1:].split(",")
            answer = self._ask("qsThreadInfo")
        return names

    def choose(self, processor: str) -> None:
        """Look at this processor from now on."""
        self._ask(f"Hg{processor}")

    def __getitem__(self, register: str) -> int:
        """Return a register of the chosen processor."""
        number, _ = REGISTERS[register]
        return int.from_bytes(bytes.fromhex(self._ask(f"p{number:x}")), "little")

    def registers(self) -> dict[str, int]:
        """Return all registers of the chosen processor that have a number here."""
        content = bytes.fromhex(self._ask("g"))
        found, at = {}, 0
        for name, size in SIZES:
            found[name] = int.from_bytes(content[at:at + size], "little")
            at += size
        return found

    def __setitem__(self, register: str, value: int) -> None:
        """Change a register of the chosen processor."""
        number, size = REGISTERS[register]
        self._ask(f"P{number:x}={value.to_bytes(size, 'little').hex()}")

    def see_physical(self, physical: bool) -> None:
        """Have addresses of memory be the machine's, or again what the chosen processor sees."""
        self._ask(f"Qqemu.PhyMemMode:{physical:d}")

    def read(self, address: int, count: int) -> bytes:
        """Return bytes from where the chosen processor sees them: see see_physical."""
        pieces = []
        for at in range(address, address + count, MOST_BYTES):
            size = min(MOST_BYTES, address + count - at)
            pieces.append(bytes.fromhex(self._ask(f"m{at:x},{size:x}")))
        return b"".join(pieces)

    def write(self, address: int, content: bytes) -> None:
        """Change bytes, whatever the page tables say of them."""
        self._ask(f"M{address:x},{len(content):x}:{content.hex()}")

    def halted(self) -> bool:
        """Return whether the chosen processor sleeps in a HLT of the hypervisor's."""
        place = self["rip"]
        return place >> 63 == 1 and self.read(place - 1, 1) == b"\xf4"
