# A machine frozen and looked into: what its hypervisor's memory says, against what dom0 says.
"""`pyhv.frozen`, on machines that run, spin, wedge and panic."""

import doctest
import re

import pytest

from pyhv import build, qemu
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

RC = "create hello kernel=hello memory=16\nlist\n"
SPIN = 'create spinner kernel=wicked memory=16 cmdline="do=spin"'
GUESTS = ("hello", "wicked")
MACHINES = {
    "svm": {"engine": "svm", "cpus": 2},
    "vmx": {"engine": "vmx", "cpus": 2},
}


@pytest.fixture(scope="module", params=[pytest.param(f, id=n) for n, f in MACHINES.items()])
def dom0(request, boot_shared, image, module, tmp_path_factory):
    """dom0 at its prompt, with hello, and a guest that spins: it is always on a pCPU."""
    machine = boot_shared(
        image=image(), module=module(RC, guests=GUESTS),
        debugger=tmp_path_factory.mktemp("frozen") / "debugger", **request.param)
    shell = Dom0(machine)
    shell.wait_for_prompt()
    shell.type(SPIN)
    shell.expect(r" is d2")
    shell.expect(say.DOM0_PROMPT)
    yield shell
    machine.stop()


@pytest.fixture
def frozen(dom0):
    """The machine, for one test without an instruction of its own."""
    with freeze(dom0.machine) as stopped:
        yield stopped


@pytest.fixture
def loop(frozen):
    """Return the address of the jump in the spinner's loop, which is PAUSE and that jump."""
    return 0x100000 + frozen.domains[2].read(0x100000, 0x4000).index(b"\xf3\x90\xeb\xfc") + 2


def asleep(frozen, number: int):
    """Return a domain's first vCPU once it waits for something."""
    for _ in range(500):
        vcpu = frozen.domains[number].vcpus[0]
        if vcpu.state == "blocked":
            return vcpu
        frozen.run(0.01)
    pytest.fail(f"d{number} never waits")


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
    for ring in frozen.trace().values():
        assert ring and len(ring) % record == 0


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
    assert frozen.run(20).vcpu == (2, 0)


# Going on by steps


def test_a_step_is_one_instruction(frozen, loop):
    frozen.break_at(loop, domain=2)
    frozen.run(20)
    step = frozen.step(2)
    assert (step.before.rip, step.after.rip) == (loop, loop - 2)
    assert not step.exited and "rip" in repr(step)
    # And then it goes round
    assert frozen.run(20).registers.rip == loop


def test_a_step_that_exits_comes_back(frozen):
    """hello writes its timer's MSR, which the hypervisor emulates."""
    text = frozen.domains[1].read(0x100000, 0x8000)
    for match in re.finditer(rb"\x0f\x30", text):
        frozen.break_at(0x100000 + match.start(), domain=1)
    assert frozen.run(30).vcpu == (1, 0)
    step = frozen.step(1)
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
    assert frozen.run(20) is told[0]
    assert len(told) == 1


def test_a_callback_may_stop_what_it_watches(frozen, loop):
    def third(hit):
        if hit.breakpoint.hits == 3:
            hit.stop()

    frozen.break_at(loop, third, domain=2)
    hit = frozen.run(20)
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
        frozen.run(20)
    assert caught.value.hit.registers.rip == loop
    assert f"{loop:#018x}" in caught.value.__notes__[0]
    assert frozen.domains[2].vcpus[0].registers.rip == loop


def test_the_hypervisors_functions_can_be_waited_for(dom0):
    with freeze(dom0.machine) as f:
        f.break_at("hv::answer_hypercall", lambda hit: hit.cpu.current == (0, 0) and hit.stop())
        dom0.machine.send_line("list")
        hit = f.run(30)
        assert hit.cpu.in_hypervisor
        assert "hv::answer_hypercall" in hit.cpu.backtrace()[0]["in"]
    dom0.expect(say.LIST_HEAD)
    dom0.expect(say.DOM0_PROMPT)


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


def test_a_machine_that_was_frozen_runs_on_identically(boot, image, module, tmp_path):
    """An instruction is a tick: every event has the TSC that it has in a run never frozen."""
    quiet = "create hello kernel=hello memory=16\ndestroy hello\nlist\n"
    fields = {"image": image(), "module": module(quiet), "debugger": tmp_path / "debugger",
              "more": (*qemu.COUNTED, "-seed", "1", "-rtc", "base=2026-01-01,clock=vm")}
    traces = []
    for often in (False, True):
        machine = boot(**fields)
        for line in ("I walk my own", "My engine is", "I made room for d0", "I made room for d1"):
            machine.expect(line, 60)
            if often:
                with freeze(machine) as f:
                    assert "I run." in f.dmesg()
        machine.expect(r"dom0> list[^$]*dom0> ", 60)
        traces.append(records(machine))
        machine.stop()
    # What both still have: one may have run longer than the other, and lost its oldest
    first, last = max(min(t) for t in traces), min(max(t) for t in traces)
    never, often = ({at: r for at, r in t.items() if first <= at <= last} for t in traces)
    assert len(never) > 10
    assert never == often


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
