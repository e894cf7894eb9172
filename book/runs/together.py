# Two pCPUs are woken with one set of orders, and so on one stack.
import tempfile
from pathlib import Path

from byte import IMAGE, names_of, run_to
from pyhv import sentences
from pyhv.debugger import Debugger, address_of
from pyhv.emulator import Emulator
from pyhv.machine import Machine

# The page below 1 MiB in which pCPUs wake; the boot pCPU resets one, and tells that it is awake
PAGE, ORDERS = 0x9E000, 48
COMMAND = address_of(IMAGE, "_ZN2hv3x868HostApic7commandEjj")
TELL = address_of(IMAGE, "_ZN2hv4tellERNS_3CpuERKNS_10TraceEventEtmmmm")
PLACE = PAGE + address_of(IMAGE, "trampoline_orders") - address_of(IMAGE, "trampoline_start")


def wake_together(machine: Emulator, debugger: Debugger) -> None:
    """Have the third pCPU find the orders of the second, and let all go on."""
    run_to(debugger, COMMAND, lambda: machine.expect(sentences.SECONDS_SINCE_1970, 60))
    debugger.see_physical(True)
    orders = debugger.read(PLACE, ORDERS)
    run_to(debugger, TELL)
    run_to(debugger, COMMAND, lambda: machine.expect(sentences.AWAKE.format(cpu=1), 60))
    assert debugger["rsi"] == 2, "another pCPU is woken than the third"
    debugger.see_physical(True)
    debugger.write(PLACE, orders)
    debugger.see_physical(False)
    debugger.go_on()


def asleep(debugger: Debugger) -> bool:
    """Stop the machine, and return whether the boot pCPU sleeps: else let all go on."""
    debugger.interrupt()
    debugger.choose(debugger.processors()[0])
    if debugger.halted():
        return True
    debugger.go_on()
    return False


def show_stacks(debugger: Debugger) -> None:
    """Print where each pCPU is, and where on which stack."""
    while not asleep(debugger):
        pass
    for number, processor in enumerate(debugger.processors()):
        debugger.choose(processor)
        [function] = names_of([debugger["rip"]])
        print(f"pCPU {number}: stack pointer {debugger['rsp']:x}, in {function}")


with tempfile.TemporaryDirectory() as folder:
    socket = Path(folder) / "debugger"
    with Emulator(Machine(image=IMAGE, cpus=3, memory_mib=256, debugger=socket,
                          held=True)) as machine:
        debugger = Debugger(socket)
        wake_together(machine, debugger)
        print(machine.expect(r"(The pCPU with [^\r\n]+)\r?\n", 60)[1])
        show_stacks(debugger)
