# One byte, written twice by the same function: as the machine was handed over, and in the end.
import re
import tempfile
import time
from pathlib import Path

from pyhv import build, qemu, sentences, symbols
from pyhv.debugger import INTERRUPTS_ON, Debugger, address_of
from pyhv.emulator import Emulator
from pyhv.machine import Machine
from pyhv.speed import scaled

CPUS, VICTIM = 4, 2
IMAGE = build.build(["hv.elf"], "boot", show=False) / "hv.elf"
# Where the loader puts the image, and so its first byte: image.ld
START = 0x200000
# The last function of boot
END = "_ZN2hv4boot13work_for_everERNS_3CpuE"
OFF = r"I power off, (\d+) ms[^\n]+\n"


def names_of(addresses) -> list[str]:
    """Return the function of the image that each address lies in."""
    table = symbols.functions("nm", str(IMAGE))
    return [[name for at, name in table if at <= address][-1] for address in addresses]


def byte(debugger: Debugger) -> str:
    """Return the first byte of the image, as it lies in memory."""
    debugger.see_physical(True)
    found = debugger.read(START, 1)[0]
    debugger.see_physical(False)
    return f"{found:02x}"


def run_to(debugger: Debugger, address: int, hear=lambda: None) -> None:
    """Let the machine run to an address, hear what it says meanwhile, and look at who came."""
    debugger.set_breakpoint(address)
    debugger.go_on()
    hear()
    processor = debugger.wait_for_stop(scaled(60))
    assert processor, f"nobody came to {address:#x}"
    debugger.clear_breakpoint(address)
    debugger.choose(processor)


def write_now(debugger: Debugger, when: str, function: str, **arguments: int) -> None:
    """Have a function that begins just now call another first, and let all go on."""
    before, held = byte(debugger), debugger.registers()
    debugger["rip"] = address_of(IMAGE, function)
    for name, value in arguments.items():
        debugger[name] = value
    # It returns to where the first would have
    run_to(debugger, int.from_bytes(debugger.read(held["rsp"], 8), "little"))
    [place] = names_of([address_of(IMAGE, when)])
    print(f"(stopped before {place}: the first byte was {before}, and is {byte(debugger)} now)")
    for name in ("rip", "rsp", "rax", "rcx", "rdx", "rsi", "rdi"):
        debugger[name] = held[name]
    debugger.go_on()


def write_early(_: Emulator, debugger: Debugger) -> None:
    """Write the byte before the first line of C++."""
    run_to(debugger, address_of(IMAGE, "start"))
    write_now(debugger, "start", "_ZN2hv4boot16break_on_purposeEv")


def write_by_alias(machine: Emulator, debugger: Debugger) -> None:
    """Write it at the end of boot, through the direct map: address_space.hpp."""
    last = sentences.AWAKE.format(cpu=CPUS - 1) + r"[^\n]+\n"
    run_to(debugger, address_of(IMAGE, END), lambda: machine.expect(last, 60))
    write_now(debugger, END, "memset", rdi=0xFFFF800000000000 + START, rsi=0, rdx=1)


def only_run(_: Emulator, debugger: Debugger) -> None:
    """Let the machine run."""
    debugger.go_on()


def stopped(debugger: Debugger) -> dict[int, str]:
    """Wait until every pCPU halts for ever; return in which function each had been."""
    end = time.monotonic() + scaled(20)
    while True:
        assert time.monotonic() < end, "some pCPU runs on"
        debugger.interrupt()
        found = {}
        for number, processor in enumerate(debugger.processors()):
            debugger.choose(processor)
            if debugger.halted() and not debugger["eflags"] & INTERRUPTS_ON:
                found[number] = debugger["rip"]
        if len(found) == CPUS:
            return dict(zip(found, names_of(found.values()), strict=True))
        debugger.go_on()


def run(options: str, act, end: str) -> list[str]:
    """Boot, with a debugger at hand, until it has said its end; return what it said."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "debugger"
        with Emulator(Machine(image=IMAGE, cpus=CPUS, memory_mib=256, debugger=socket, held=True,
                              options=options, more=qemu.REPEATABLE)) as machine:
            debugger = Debugger(socket)
            act(machine, debugger)
            machine.expect(end, 60)
            if "panic" in options:
                halted = stopped(debugger)
                print("== count")
                print(f"pCPUs that halt: {len(halted)}")
                others = {name for number, name in halted.items() if number != VICTIM}
                print(f"functions in which the others do: {len(others)}")
            return [line for line in machine.log.splitlines() if line]


if __name__ == "__main__":
    print("== handed")
    said = run("", write_early, OFF)
    print("\n".join(said))
    print("== silence")
    print(f"milliseconds that it ran on, at least: {re.search(OFF, said[-1] + chr(10))[1]}")
    print("== alias")
    print(run("", write_by_alias, OFF)[-1])
    said = run(f"panic={VICTIM}", only_run, r"I halt\.\r?\n")
    print("== caught")
    first = next(at for at, line in enumerate(said) if "I panic" in line)
    print("\n".join(said[first:]))
