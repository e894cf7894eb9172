# A pCPU that panics and stops nobody: for that moment the others are hidden from it.
import tempfile
from pathlib import Path

from pyhv import build, sentences
from pyhv.debugger import Debugger, address_of
from pyhv.emulator import Emulator
from pyhv.frozen import freeze
from pyhv.machine import Machine

CPUS, VICTIM = 2, 0
TREE = build.build(build.image_targets(), show=False)
IMAGE = TREE / "hv.elf"
LINE = r"[^\r\n]+\r?\n"


def asleep(debugger: Debugger) -> bool:
    """Stop the machine, look at the victim, and return whether it sleeps: else let all go on."""
    debugger.interrupt()
    debugger.choose(debugger.processors()[VICTIM])
    if debugger.halted():
        return True
    debugger.go_on()
    return False


def see(debugger: Debugger, count_at: int, count: int) -> None:
    """Have the hypervisor see so many pCPUs."""
    debugger.write(count_at, count.to_bytes(2, "little"))


with tempfile.TemporaryDirectory() as folder:
    socket = Path(folder) / "debugger"
    module = build.write_module(Path(folder) / "module.cpio", TREE, "", with_linux=False)
    with Emulator(Machine(image=IMAGE, module=module, cpus=CPUS, memory_mib=256,
                          debugger=socket)) as machine:
        machine.expect(sentences.DOM0_PROMPT, 60)
        with freeze(machine) as frozen:
            count_at = int(frozen.machine.cpu_count.address_)
        debugger = Debugger(socket)
        debugger.go_on()
        while not asleep(debugger):
            pass
        see(debugger, count_at, 1)
        debugger["rip"] = address_of(IMAGE, "_ZN2hv4boot16break_on_purposeEv")
        debugger.go_on()
        panic = machine.expect(sentences.PANIC.format(cpu=VICTIM) + LINE, 60)[0].strip()
        machine.expect(sentences.HALTED)
        debugger.interrupt()
        see(debugger, count_at, CPUS)
        debugger.go_on()
        later = machine.expect(sentences.NO_TICK.format(cpu=VICTIM) + LINE, 60)[0].strip()
        print(f"{panic}\n    …\nI halt.\n{later}")
