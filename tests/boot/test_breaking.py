# A hypervisor that breaks, or hangs: what can still be told is told, and nothing runs on.
"""Faults put into a running machine with QEMU's debugger, or by the option `panic`."""

import time

import pytest

from pyhv import sentences as say
from pyhv.debugger import INTERRUPTS_ON, Debugger, address_of
from pyhv.speed import scaled

# Where hv/boot/address_space.hpp puts each pCPU's stacks: the ordinary one ends a slot's first
# quarter.
STACKS, STACK_SLOT, STACK_BYTES = 0xFFFFC08000000000, 128 * 1024, 16 * 1024
PLACE = r"[0-9a-f]{16} [^\n]*\b%s\+0x[0-9a-f]+"


@pytest.fixture
def watched(boot, tmp_path):
    """Boot a machine that waits for its debugger, and return both."""

    def start(**fields):
        socket = tmp_path / "debugger"
        machine = boot(debugger=socket, held=True, **fields)
        return machine, Debugger(socket)

    return start


def expect_silence(debugger: Debugger) -> None:
    """Wait until every pCPU halts for ever: asleep, and deaf to interrupts."""
    end = time.monotonic() + scaled(20)
    awake = ["all"]
    while awake:
        assert time.monotonic() < end, f"after the panic run on: {awake}"
        debugger.interrupt()
        awake = []
        for processor in debugger.processors():
            debugger.choose(processor)
            if not debugger.halted() or debugger["eflags"] & INTERRUPTS_ON:
                awake.append(processor)
        debugger.go_on()


@pytest.mark.boot
@pytest.mark.parametrize("cpu", [0, 1])
def test_a_panic_is_told_and_stops_all(watched, image, cpu):
    machine, debugger = watched(image=image("boot"), cpus=4, options=f"panic={cpu}")
    debugger.go_on()
    machine.expect(say.PANIC.format(cpu=cpu))
    for register in ("rax", "r15", "rip"):
        machine.expect(rf"{register} +[0-9a-f]{{16}}")
    machine.expect(PLACE % "break_on_purpose")
    machine.expect(PLACE % ("start_secondary" if cpu else "wake_further"))
    machine.expect(say.HALTED)
    expect_silence(debugger)


@pytest.mark.boot
def test_a_panic_is_told_on_vmx(boot, image):
    machine = boot(image=image("boot"), engine="vmx", cpus=2, options="panic=1")
    machine.expect(say.PANIC.format(cpu=1), 90)
    machine.expect(PLACE % "start_secondary")
    machine.expect(say.HALTED)


@pytest.fixture
def sleeper(watched, image, module):
    """Boot the whole to dom0's prompt; find a pCPU that sleeps, with no lock held, and stop all."""
    machine, debugger = watched(image=image(), module=module(), cpus=2)
    debugger.go_on()
    machine.expect(say.DOM0_PROMPT, 60)
    end = time.monotonic() + scaled(20)
    while time.monotonic() < end:
        debugger.interrupt()
        for number, processor in enumerate(debugger.processors()):
            debugger.choose(processor)
            if debugger.halted():
                return machine, debugger, number
        debugger.go_on()
    pytest.fail("no pCPU was ever asleep")


@pytest.mark.domains
def test_a_stack_that_overflows_is_named(sleeper):
    machine, debugger, number = sleeper
    bottom = STACKS + number * STACK_SLOT + STACK_SLOT // 4 - STACK_BYTES
    assert bottom < debugger["rsp"] < bottom + STACK_BYTES
    debugger["rsp"] = bottom + 16
    debugger.go_on()
    machine.expect(say.PANIC.format(cpu=number) + "#DF double fault")
    machine.expect(say.STACK_FULL)
    machine.expect(PLACE % r"\w+")
    machine.expect(say.HALTED)
    expect_silence(debugger)


@pytest.mark.domains
def test_a_pcpu_that_hangs_is_noticed(sleeper, image):
    machine, debugger, number = sleeper
    # It wakes in a loop (of code that has had its day), and lets no interrupt in
    loop = address_of(image(), "multiboot_entry")
    debugger.write(loop, b"\xeb\xfe")
    debugger["rip"] = loop
    debugger["eflags"] &= ~INTERRUPTS_ON
    debugger.go_on()
    machine.expect(say.NO_TICK.format(cpu=number), 60)
