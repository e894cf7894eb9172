# A machine frozen and looked into: what its hypervisor's memory says, against what dom0 says.
"""`pyhv.frozen`, on machines that run, spin, wedge and panic."""

import doctest
import re

import pytest
from frozen_lab import RC, asleep, dom0, frozen, loop  # noqa: F401

from pyhv import qemu
from pyhv import sentences as say
from pyhv.debugger import Debugger
from pyhv.dom0 import Dom0
from pyhv.errors import (
    AlreadyFrozen,
    Closed,
    Failure,
    NoDebugger,
    NoSuchDomain,
    NotOnProcessor,
    WrongArgument,
    WrongImage,
)
from pyhv.frozen import freeze
from pyhv.paths import ROOT

pytestmark = pytest.mark.domains

# What there is


def test_it_says_of_domains_what_dom0_lists(dom0):
    said = dom0.ask("list")
    rows = re.findall(r"^\S+ +(\d+) +(\d+) +(\d+)\s+[r-][b-](\S{4})", said, re.MULTILINE)
    assert len(rows) == 3
    with freeze(dom0.machine) as f:
        # Whether one runs or waits changes from one moment to the next
        seen = [(d.id, d.frames // 256, len(d.vcpus), d.state[2:]) for d in f.domains]
        assert seen == [(int(i), int(m), int(v), state) for i, m, v, state in rows]
        assert {d.life for d in f.domains} == {"alive"}
        assert f.domains[2].vcpus[0].state in ("running", "runnable")
    assert dom0.state("hello")


def test_pcpus_say_whose_instruction_is_next(frozen, loop):
    assert len(frozen.cpus) == 2
    frozen.break_at(loop, domain=2)
    hit = frozen.run(20)
    assert [cpu.number for cpu in frozen.cpus if cpu.guest == (2, 0)] == [hit.cpu.number]
    assert frozen.domains[2].vcpus[0].registers.where == f"on pCPU {hit.cpu.number}"
    for cpu in frozen.cpus:
        assert cpu.in_hypervisor == (cpu.guest is None)
    table = repr(frozen.cpus)
    assert "World" in table and "<table>" in frozen.cpus._repr_html_()


def test_the_types_lead_anywhere(frozen):
    machine = frozen["hv::machine"]
    assert machine.cpu_count.value_() == 2
    assert machine.cpus._M_elems[1].number.value_() == 1
    assert machine.facts.host_tables.value.value_() == frozen.root != 0
    # A reference is a pointer, and a base a member
    vcpu = frozen.domains[1].vcpus[0].object
    assert vcpu.domain.id.value_() == 1
    assert vcpu.domain.references._M_i.value_() >= 1


def test_a_walk_ends_where_the_guest_is(frozen):
    hello = frozen.domains[1]
    walk = hello.p2m.walk(0x100000)
    assert [step.level for step in walk.steps] == list(range(3, 3 - len(walk), -1))
    assert walk.steps[0].at == hello.p2m.root
    assert walk.steps[-1].kind == "page"
    # Where PVH guests are loaded there is the guest itself, and not in dom0's memory
    assert b"hello: " in hello.read(0x100000, 0x20000)
    owner = frozen.machine.frames.rows_[walk.mpa >> 12].owner.value_()
    assert owner == 1
    assert hello.p2m.walk(0x4000_0000_0000).mpa is None


def test_frames_add_up(frozen):
    rows = {(row["owner"], row["state"]): row["frames"] for row in frozen.frames}
    for domain in frozen.domains:
        assert rows[f"d{domain.id}", "used"] == domain.frames
    table = frozen.machine.frames
    assert rows["nobody", "free"] == table.free_count_.value_()
    assert sum(rows.values()) == table.frame_count_.value_()


def test_ports_and_grants_have_two_ends(frozen):
    ours = [row for row in frozen.domains[0].ports if row["remote"] == "d1"]
    theirs = {row["port"]: row for row in frozen.domains[1].ports}
    assert ours
    for row in ours:
        assert theirs[row["detail"]]["detail"] == row["port"]
    assert {row["for"] for row in frozen.domains[1].grants} == {"d0"}


def test_its_words_and_its_trace_are_there(frozen):
    assert re.match(say.FIRST, frozen.dmesg())
    record = frozen.program.type("struct hv::TraceRecord").size
    rings = frozen.trace()
    assert len(rings) == len(frozen.cpus) and rings[0]  # another pCPU may have nothing to tell yet
    assert all(len(ring) % record == 0 for ring in rings.values())


def test_a_sleeping_pcpu_tells_how_it_came_there(frozen):
    for cpu in frozen.cpus:
        if cpu.in_hypervisor:
            places = [row["in"] for row in cpu.backtrace()]
            assert any("work_for_ever" in place for place in places)


def test_saved_registers_are_the_guests(frozen):
    vcpu = asleep(frozen, 1)
    here = vcpu.registers
    assert "rbx" in here and "in its VM" in here.where
    # hello sleeps in a HLT
    assert frozen.domains[1].read(here.rip - 1, 1) == b"\xf4"
    assert vcpu.last_exit in ("VMEXIT_HLT", "EXIT_HLT")
    if frozen.engine == "SVM":
        assert vcpu.control.control.n_cr3.value_() == frozen.domains[1].p2m.root


# Errors


def test_freezing_twice_is_refused(dom0):
    with freeze(dom0.machine) as f:
        with pytest.raises(AlreadyFrozen):
            freeze(dom0.machine)
        assert len(f.domains) == 3
    with pytest.raises(Closed):
        f.domains  # noqa: B018
    with freeze(dom0.machine) as again:
        with pytest.raises(NoSuchDomain, match="d0, d1, d2"):
            again.domains[7]
        with pytest.raises(WrongArgument):
            again.break_at("hv::no_such_function")
        asleep(again, 1)
        with pytest.raises(NotOnProcessor, match="d1 v0 is blocked"):
            again.step(1)


def test_another_image_is_told_from_this_one(dom0, image, tmp_path):
    other = tmp_path / "hv.elf"
    content = image().read_bytes()
    with freeze(dom0.machine) as f:
        ours = f._information.build_id
    other.write_bytes(content.replace(ours, ours[::-1]))
    with pytest.raises(WrongImage):
        freeze(dom0.machine, other)
    assert dom0.state("hello")


def test_without_a_debugger_it_is_refused(boot, image):
    with pytest.raises(NoDebugger):
        freeze(boot(image=image(), options="panic=0"))


def test_an_emulator_that_ends_is_named(boot, image, tmp_path):
    machine = boot(image=image(), options="panic=0", debugger=tmp_path / "debugger")
    machine.expect(say.HALTED)
    with freeze(machine) as f:
        machine.process.kill()
        machine.process.wait()
        with pytest.raises(Failure, match="hung up"):
            f.domains  # noqa: B018
    assert "closed" in repr(f)


# Nothing runs


def test_a_frozen_machine_stands_still(frozen):
    before = [dict(cpu.registers) for cpu in frozen.cpus]
    counts = [(d.row(), d.object.exits.value_()) for d in frozen.domains]
    _ = repr(frozen.frames), frozen.dmesg(), repr(frozen.domains)
    frozen.ran()  # reads everything anew
    assert [dict(cpu.registers) for cpu in frozen.cpus] == before
    assert [(d.row(), d.object.exits.value_()) for d in frozen.domains] == counts


def records(machine) -> dict[int, bytes]:
    """Return the first pCPU's records by their time, which is their first word."""
    with freeze(machine) as f:
        ring, size = f.trace()[0], f.program.type("struct hv::TraceRecord").size
    each = [ring[at:at + size] for at in range(0, len(ring), size)]
    return {int.from_bytes(record[:8], "little"): record for record in each}


def run_of_few_words(machine, often):
    """Let it run to its end, frozen `often` or never; return its trace."""
    for line in ("I walk my own", "My engine is", "I made room for d0", "I made room for d1"):
        machine.expect(line, 60)
        if often:
            with freeze(machine) as f:
                assert "I run." in f.dmesg()
    machine.expect(r"dom0> list[^$]*dom0> ", 60)
    trace = records(machine)
    machine.stop()
    return trace


def test_a_machine_that_was_frozen_runs_on_identically(boot, image, module, tmp_path):
    """An instruction is a tick: every event has the time that it has in a run never frozen."""
    quiet = "trace on domains\ncreate hello kernel=hello memory=16\ndestroy hello\nlist\n"
    fields = {"image": image(), "module": module(quiet), "debugger": tmp_path / "debugger",
              "more": (*qemu.COUNTED, "-seed", "1", "-rtc", "base=2026-01-01,clock=vm")}
    never = run_of_few_words(boot(**fields), often=False)
    often = run_of_few_words(boot(**fields), often=True)
    # What both still have: one may have run longer than the other, and lost its oldest
    first, last = max(min(never), min(often)), min(max(never), max(often))
    kept, again = ({at: r for at, r in trace.items() if first <= at <= last}
                   for trace in (never, often))
    assert len(kept) > 10
    assert kept == again


# The scenes in which dom0 is the patient


def test_a_wedged_dom0_hides_nothing(boot, image, module, tmp_path):
    socket = tmp_path / "debugger"
    machine = boot(image=image(), module=module(RC), cpus=2, debugger=socket)
    Dom0(machine).wait_for_prompt()
    with freeze(machine) as f:
        wakes_at = asleep(f, 0).registers.rip
        place = f.domains[0].p2m.walk(wakes_at).mpa
    # dom0 wakes in a loop
    debugger = Debugger(socket)
    debugger.see_physical(True)
    debugger.write(place, b"\xeb\xfe")
    debugger.leave()
    machine.send_line("list")
    with freeze(machine) as f:
        hit = f.break_at(wakes_at, domain=0)
        assert f.run(30).breakpoint is hit
        assert f.domains[0].vcpus[0].registers.rip == wakes_at
        assert f.domains[0].state == "r-----"
        step = f.step(0)
        assert step.after.rip == wakes_at
        assert len(f.domains[1].vcpus) == 1
        assert f.domains[1].read(0x100000, 16)


def test_a_panicked_hypervisor_can_still_be_read(boot, image, tmp_path):
    machine = boot(image=image(), options="panic=0", debugger=tmp_path / "debugger")
    machine.expect(say.HALTED)
    with freeze(machine) as f:
        assert re.search(say.PANIC.format(cpu=0), f.dmesg())
        places = [row["in"] for row in f.backtrace(0)]
        assert any("panic" in place for place in places), places
        assert len(f.domains) == 0


# The book's page


class SameWords(doctest.OutputChecker):
    """Takes any number for any other, and any space: they are this run's."""

    def check_output(self, want: str, got: str, flags: int) -> bool:
        def plain(text: str) -> list[str]:
            return re.sub(r"0x[0-9a-f]+|\d+", "N", text).split()

        return plain(want) == plain(got)


def freeze_asleep(emulator):
    """Freeze a machine at a moment when everybody in it sleeps, as in the book."""
    for _ in range(100):
        f = freeze(emulator)
        awake = [d for d in f.domains if d.state != "-b----"]
        awake += [cpu for cpu in f.cpus if not f.name_of(cpu.registers.rip).startswith("hv::work")]
        if not awake:
            return f
        f.close()
    pytest.fail(f"somebody is always awake: {awake}")


def test_the_books_session_is_as_told(boot, image, module, tmp_path, monkeypatch):
    machine = boot(image=image(), module=module(RC), cpus=2, debugger=tmp_path / "debugger")
    Dom0(machine).wait_for_prompt()
    monkeypatch.setattr("pyhv.frozen.freeze", freeze_asleep)
    page = (ROOT / "book" / "preface" / "frozen.md").read_text()
    session = doctest.DocTestParser().get_doctest(
        page, {"emulator": machine}, "frozen.md", "frozen.md", 0)
    said: list[str] = []
    outcome = doctest.DocTestRunner(SameWords()).run(session, out=said.append)
    assert outcome.attempted > 10 and outcome.failed == 0, "".join(said)
