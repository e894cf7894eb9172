# Starts one image in three ways, and reads the counter of instructions at its first C++.
import subprocess
import tempfile
from pathlib import Path

from pyhv import build, qemu
from pyhv.debugger import Debugger, address_of
from pyhv.emulator import Emulator
from pyhv.machine import Machine
from pyhv.speed import scaled

IMAGE = build.build(["hv.elf"], "boot", show=False) / "hv.elf"
WAYS = {"direct": "QEMU itself", "bios": "SeaBIOS and GRUB", "uefi": "OVMF and GRUB"}


def address_of_rdtsc() -> int:
    """Return where the image has an RDTSC: to execute it is to read the machine's counter."""
    listing = subprocess.run(["objdump", "-d", str(IMAGE)], capture_output=True, text=True,
                             check=True).stdout
    return next(int(line.split(":")[0], 16) for line in listing.splitlines() if "rdtsc" in line)


def counter(debugger: Debugger, processor: str) -> int:
    """Return the TSC of a stopped processor, which then stands where it stood."""
    held = debugger.registers()
    debugger["rip"] = address_of_rdtsc()
    debugger.step(processor)
    ticks = debugger["rdx"] << 32 | debugger["rax"]
    for name in ("rip", "rax", "rdx"):
        debugger[name] = held[name]
    return ticks


def run(firmware: str) -> tuple[int, list[str]]:
    """Boot; return the TSC at the first C++, and what was said."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "debugger"
        with Emulator(Machine(image=IMAGE, memory_mib=256, firmware=firmware, debugger=socket,
                              held=True, more=qemu.REPEATABLE)) as machine:
            debugger = Debugger(socket)
            debugger.set_breakpoint(address_of(IMAGE, "start"))
            debugger.go_on()
            processor = debugger.wait_for_stop(scaled(600))
            assert processor, f"{firmware}: nobody came to the first C++"
            debugger.choose(processor)
            ticks = counter(debugger, processor)
            debugger.clear_breakpoint(address_of(IMAGE, "start"))
            debugger.go_on()
            machine.expect(r"I power off", 60)
            said = machine.log[machine.log.index("I run."):]
            return ticks, [line for line in said.splitlines() if line][:4]


if __name__ == "__main__":
    print("== said")
    counts = {}
    for firmware, name in WAYS.items():
        counts[name], said = run(firmware)
        print(f"{name}:")
        print("\n".join(f"    {line}" for line in said))
    print("== count")
    for name, ticks in counts.items():
        print(f"{name}, the counter at the first C++: {ticks}")
