# Firmware's timer, and a hypervisor that lets interrupts in before it has asked for silence.
import re
import tempfile
from pathlib import Path

from pyhv import build, qemu, sentences
from pyhv.debugger import INTERRUPTS_ON, Debugger, address_of
from pyhv.emulator import Emulator
from pyhv.machine import Machine
from pyhv.monitor import Monitor
from pyhv.speed import scaled

IMAGE = build.build(["hv.elf"], "boot", show=False) / "hv.elf"
# Its interrupt table is loaded, and its own controllers are as firmware left them
EARLY = "_ZN2hv3x868HostApic7turn_onEh"


def old_controller(path: Path) -> str:
    """Return what QEMU's monitor says of the first of the PC's old interrupt controllers."""
    told = Monitor(path).ask("human-monitor-command", **{"command-line": "info pic"})
    pending, masked, base = re.search(r"pic0: irr=(\w+) imr=(\w+) .*?irq_base=(\w+)", told).groups()
    return (f"old controller: lines waiting {int(pending, 16):08b}, masked {int(masked, 16):08b}, "
            f"vectors from {int(base, 16)} on")


with tempfile.TemporaryDirectory() as folder:
    socket, monitor = Path(folder) / "debugger", Path(folder) / "monitor"
    with Emulator(Machine(image=IMAGE, memory_mib=256, firmware="bios", debugger=socket,
                          monitor=monitor, held=True, more=qemu.REPEATABLE)) as machine:
        debugger = Debugger(socket)
        debugger.set_breakpoint(address_of(IMAGE, EARLY))
        debugger.go_on()
        machine.expect(sentences.OWN_TABLES, 60)
        assert debugger.wait_for_stop(scaled(60)), "the hypervisor never came to its local APIC"
        debugger.clear_breakpoint(address_of(IMAGE, EARLY))
        print(old_controller(monitor))
        # An instruction that jumps to itself, over code that has had its day
        loop = address_of(IMAGE, "multiboot_entry")
        debugger.write(loop, b"\xeb\xfe")
        debugger["rip"] = loop
        debugger["eflags"] |= INTERRUPTS_ON
        print(f"(interrupts on, and nothing to do, at {loop:#x})")
        debugger.go_on()
        machine.expect(sentences.PANIC.format(cpu=0) + r"[^\n]+", 60)
        machine.expect(sentences.HALTED)
        said = machine.log[machine.log.index("I panic"):].splitlines()
        print("\n".join([said[0], *(line for line in said if "+0x" in line)]))
