# A frozen machine goes on by steps: breakpoints in any world, and single instructions.
"""`pyhv.frozen`: break_at, run and step."""

import re
import select

import pytest
from frozen_lab import asleep, dom0, frozen, loop  # noqa: F401
from link_lab import wait_for

from pyhv import build
from pyhv import sentences as say
from pyhv.dom0 import Dom0
from pyhv.frozen import freeze
from pyhv.frozen.by_bochs import PROMPT

pytestmark = pytest.mark.domains


def test_ctrl_c_leaves_the_machine_standing(frozen, loop, monkeypatch):
    door = frozen.door
    waits = "wait_for_stop" if frozen.engine == "SVM" else "_wait_for_prompt"
    target = door._debugger if frozen.engine == "SVM" else door
    real, pressed = getattr(target, waits), []

    def once(timeout):
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        return real(timeout)

    monkeypatch.setattr(target, waits, once)
    with pytest.raises(KeyboardInterrupt):
        frozen.run(5)
    frozen.ran()
    assert len(frozen.domains) == 3
    frozen.break_at(loop, domain=2)
    assert frozen.run(60).vcpu == (2, 0)


def test_a_step_is_one_instruction(frozen, loop):
    frozen.break_at(loop, domain=2)
    frozen.run(60)
    step = frozen.step(2)
    assert (step.before.rip, step.after.rip) == (loop, loop - 2)
    assert not step.exited and "rip" in repr(step)
    # And then it goes round
    assert frozen.run(60).registers.rip == loop


def test_a_step_that_exits_comes_back(frozen):
    """hello writes its timer's MSR, which the hypervisor emulates."""
    text = frozen.domains[1].read(0x100000, 0x8000)
    for match in re.finditer(rb"\x0f\x30", text):
        frozen.break_at(0x100000 + match.start(), domain=1)
    # An EOI is a WRMSR, too, and does not exit where the CPU delivers interrupts by itself
    for _ in range(4):
        assert frozen.run(90).vcpu == (1, 0)
        step = frozen.step(1)
        if step.exited:
            break
    assert step.exited
    assert step.after.rip == step.before.rip + 2


def test_a_breakpoint_is_met_in_its_own_world_only(frozen, loop):
    told = []
    wrong = frozen.break_at(loop, told.append, domain=1)
    assert frozen.run(0.3) is None
    assert not told and wrong.hits == 0
    wrong.remove()

    def only_once(hit):
        told.append(hit)
        assert hit.vcpu == (2, 0) and hit.registers.rip == loop
        hit.breakpoint.remove()

    frozen.break_at(loop, only_once, domain=2)
    assert frozen.run(60) is told[0]
    assert len(told) == 1


def test_a_breakpoint_that_is_met_as_the_time_ends_stops_the_machine(frozen, loop, monkeypatch):
    """Nothing is left to interrupt then."""
    door = frozen.door
    waits = "wait_for_stop" if frozen.engine == "SVM" else "_wait_for_prompt"
    target = door._debugger if frozen.engine == "SVM" else door
    real, ended = getattr(target, waits), []

    def stands():
        if frozen.engine == "SVM":
            return select.select([target._socket], [], [], 0)[0]
        return PROMPT.search(target._emulator.words_since(target._heard))

    def ends_too_early(timeout):
        if ended:
            return real(timeout)
        ended.append(True)
        wait_for(stands, "the machine stands at the breakpoint")
        return None

    frozen.break_at(loop, domain=2)
    monkeypatch.setattr(target, waits, ends_too_early)
    frozen.run(60)
    assert ended
    assert frozen.domains[2].vcpus[0].registers.rip == loop


def test_a_callback_may_stop_what_it_watches(frozen, loop):
    def third(hit):
        if hit.breakpoint.hits == 3:
            hit.stop()

    frozen.break_at(loop, third, domain=2)
    hit = frozen.run(60)
    assert hit.breakpoint.hits == 3
    # Nothing runs: the same instruction is still the next
    assert frozen.domains[2].vcpus[0].registers.rip == loop


def test_an_exception_in_a_callback_comes_out_whole(frozen, loop):
    class Mine(Exception):
        pass

    def fail(hit):
        raise Mine("of my own")

    frozen.break_at(loop, fail, domain=2)
    with pytest.raises(Mine, match="of my own") as caught:
        frozen.run(60)
    assert caught.value.hit.registers.rip == loop
    assert f"{loop:#018x}" in caught.value.__notes__[0]
    assert frozen.domains[2].vcpus[0].registers.rip == loop


def test_the_hypervisors_functions_can_be_waited_for(dom0):
    with freeze(dom0.machine) as f:
        f.break_at("hv::run_handler", lambda hit: hit.cpu.current == (0, 0) and hit.stop())
        dom0.machine.send_line("list")
        hit = f.run(30)
        assert hit.cpu.in_hypervisor
        assert "hv::run_handler" in hit.cpu.backtrace()[0]["in"]
    dom0.expect(say.LIST_HEAD)
    dom0.expect(say.DOM0_PROMPT)


@pytest.mark.events
def test_linux_is_watched_in_its_own_world(boot, image, module, tmp_path):
    """Its kernel lies in the same part of the address space as the hypervisor."""
    machine = boot(image=image(), module=module(build.first_commands(True), linux=True), cpus=2,
                   debugger=tmp_path / "debugger")
    dom0 = Dom0(machine)
    dom0.wait_for_prompt()
    dom0.enter("linux")
    dom0.wait_for_linux()
    with freeze(machine) as f:
        linux = f.domains[2]
        wakes_at = asleep(f, 2).registers.rip
        assert wakes_at >> 31 == 0x1FFFFFFFF and not f.text(wakes_at)
        f.break_at(wakes_at, domain=2)
        hit = f.run(30)
        assert hit.vcpu == (2, 0)
        # On Linux's own tables, in memory that is Linux's
        assert hit.registers.cr3 & ~0xFFF != f.root
        mpa = linux.p2m.walk(hit.registers.cr3 & ~0xFFF).mpa
        assert f.machine.frames.rows_[mpa >> 12].owner.value_() == 2
        step = f.step(2)
        assert step.before.rip == wakes_at != step.after.rip
    assert "Linux" in dom0.in_linux("uname -s")
