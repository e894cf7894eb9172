# The hosted tier from Python: machines, domains and memory, and what each refusal says.
"""Tests of `pyhv.hosted()`."""

import ast
import doctest
import importlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import pyhv
from pyhv import errors
from pyhv.paths import ROOT
from pyhv import show
from pyhv.t0 import native

PACKAGE = ROOT / "pyhv" / "src" / "pyhv"
ROOMS = ("api", "command", "experiments", "figures", "labs", "linked", "t0", "trace")
SPOKEN = ["pyhv", "pyhv.labs", *(f"pyhv.{room}.{file.stem}" for room in ROOMS
                    for file in sorted((PACKAGE / room).glob("[a-z]*.py")))]


@pytest.fixture
def hv():
    with pyhv.hosted(seed=1, cpus=2, memory=64) as machine:
        yield machine


@pytest.mark.parametrize("module", SPOKEN)
def test_the_sessions_in_the_docstrings_are_true(module: str):
    result = doctest.testmod(importlib.import_module(module),
                             optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_the_session_in_the_book_is_true():
    page = ROOT / "book" / "preface" / "hosted.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.failed == 0 and result.attempted > 10


def test_docstrings_hold_sessions():
    finder = doctest.DocTestFinder()
    examples = [test.examples for name in SPOKEN
                for test in finder.find(importlib.import_module(name))]
    assert sum(map(len, examples)) > 10


def test_importing_pyhv_brings_neither_the_extension_nor_pandas():
    done = subprocess.run(
        [sys.executable, "-c", "import pyhv, sys; print(*sys.modules)"],
        env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True, text=True, check=True,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"pandas", "pyhv._hosted", "pyhv.t0", "pyhv.paths"}


def test_without_the_extension_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyhv._hosted", None)
    monkeypatch.delattr(pyhv, "_hosted", raising=False)
    with pytest.raises(errors.NotBuilt, match="pip install ./pyhv"):
        pyhv.hosted()


def test_the_stub_tells_what_the_extension_has():
    extension = native.load()
    stub = ast.parse((PACKAGE / "_hosted.pyi").read_text())
    told: dict[str, set[str]] = {}
    for part in stub.body:
        if isinstance(part, ast.AnnAssign):
            told[part.target.id] = set()
        elif isinstance(part, ast.FunctionDef):
            told[part.name] = set()
        elif isinstance(part, ast.ClassDef):
            told[part.name] = {
                member.name if isinstance(member, ast.FunctionDef) else member.target.id
                for member in part.body
            } - {"__init__"}
    there = {
        name: {member for member in vars(value) if not member.startswith("_")}
        if isinstance(value, type) else set()
        for name, value in vars(extension).items() if not name.startswith("_")
    }
    assert told == there


def test_a_new_machine_has_dom0_and_nobody_else(hv):
    assert [domain.name for domain in hv.domains] == ["dom0"]
    assert hv.domains["dom0"].state == "alive"
    assert hv.domains[0].vcpus[0].state == "blocked"
    assert "I made room for d0" in hv.dmesg()
    assert repr(hv) == "<hosted machine: 2 pCPUs, 64 MiB, seed 1, 1 domains>"


@pytest.mark.parametrize(("wish", "says"), [
    ({"cpus": 0}, "a machine has 1 to 8"), ({"cpus": 9}, "a machine has 1 to 8"),
    ({"memory": 7}, "an even number of MiB, 8 to 4096"), ({"memory": 6}, "8 to 4096"),
])
def test_a_machine_that_cannot_be(wish: dict, says: str):
    with pytest.raises(errors.WrongArgument, match=says):
        pyhv.hosted(**wish)


@pytest.mark.parametrize("memory", [1, 2, 5, 16])
def test_a_domain_has_the_memory_that_it_was_given(hv, memory: int):
    web = hv.create("web", memory=memory)
    end = memory << 20
    assert web.memory == memory
    web.write(end - 4, b"last")
    assert web.read(end - 4, 4) == b"last"
    with pytest.raises(errors.NoSuchMemory, match=f"d1 has no memory at {end:#x}"):
        web.read(end - 2, 4)


def test_a_write_that_leaves_memory_changes_nothing(hv):
    web = hv.create("web", memory=2)
    with pytest.raises(errors.NoSuchMemory):
        web.write((2 << 20) - 4, b"too long")
    assert web.read((2 << 20) - 4, 4) == bytes(4)
    web.write(0xFFE, b"over a page")
    assert web.read(0xFFE, 11) == b"over a page"
    with pytest.raises(errors.NoSuchMemory):
        web.read(2**64 - 2, 4)


def test_a_walk_shows_each_level(hv):
    web = hv.create("web", memory=3)
    large, small, none = (web.p2m.walk(gpa) for gpa in (0x1234, 0x201234, 0x40000000))
    assert [step.kind for step in large.steps] == ["table", "table", "page"]
    assert [step.kind for step in small.steps] == ["table", "table", "table", "page"]
    assert [step.kind for step in none.steps] == ["table", "nothing"]
    assert [step.level for step in small.steps] == [3, 2, 1, 0]
    assert small.steps[-1].access == "rwx"
    assert none.mpa is None and large.mpa % 0x200000 == 0x1234 and small.mpa % 0x1000 == 0x234
    for above, below in zip(small.steps, small.steps[1:], strict=False):
        assert below.at == (above.frame << 12) + below.index * 8
    assert web.p2m.tables == 4


def test_pause_and_unpause(hv):
    web = hv.create("web")
    web.pause()
    web.pause()
    assert (web.state, web.vcpus[0].state) == ("paused", "paused")
    web.unpause()
    assert (web.state, web.vcpus[0].state) == ("alive", "blocked")
    with pytest.raises(errors.Refused, match="unpausedomain.*EINVAL") as refused:
        web.unpause()
    assert refused.value.error == "EINVAL"


def test_a_domain_that_is_gone(hv):
    free = hv._native.free_frames
    web = hv.create("web", memory=16, vcpus=3)
    assert [vcpu.state for vcpu in web.vcpus] == ["blocked", "down", "down"]
    web.destroy()
    assert hv._native.free_frames == free
    assert "web" not in hv.domains and 1 not in hv.domains
    assert repr(web) == "<web (d1): gone>"
    with pytest.raises(errors.NoSuchDomain, match="there is no d1 any more"):
        web.read(0, 1)
    with pytest.raises(errors.NoSuchDomain, match="no domain 'web'; there are: dom0"):
        hv.domains["web"]
    assert hv.create("web").id == 2


def test_what_create_refuses_leaves_nothing_behind(hv):
    free = hv._native.free_frames
    with pytest.raises(errors.Refused, match="cannot have 128 MiB: [0-9]+ MiB are left"):
        hv.create("web", memory=128)
    with pytest.raises(errors.Refused, match="createdomain.*EINVAL"):
        hv.create("web", vcpus=33)
    assert len(hv.domains) == 1 and hv._native.free_frames == free
    hv.create("web")
    for name, wish, says in (("web", {}, "a domain web already"), ("a b", {}, "letters, digits"),
                             ("none", {"memory": 0}, "at least 1")):
        with pytest.raises(errors.WrongArgument, match=says):
            hv.create(name, **wish)


def test_what_this_tier_cannot_do_names_one_that_can(hv):
    web = hv.create("web")
    for ask in (lambda: web.console, lambda: web.vcpus[0].registers, hv.freeze,
                lambda: hv.create("linux", kernel="vmlinuz")):
        with pytest.raises(errors.NotOnThisTier, match="T1"):
            ask()


def test_a_closed_machine_says_so():
    with pyhv.hosted() as hv:
        web = hv.create("web")
    hv.close()
    for ask in (lambda: hv.domains["web"], hv.dmesg, lambda: hv.trace, lambda: hv.create("other"),
                lambda: web.state, lambda: web.read(0, 1), hv.run):
        with pytest.raises(errors.Closed, match="this machine is closed"):
            ask()
    assert repr(hv) == "<hosted machine: closed>"


def test_dom0_takes_its_machine_with_it_and_no_other(hv):
    async def dom0(me):
        await me.hypercall("sched_op", "shutdown", {"reason": "SHUTDOWN_poweroff"})

    with pyhv.hosted() as other:
        with pytest.raises(errors.MachineDead, match="powered off"):
            hv.run(dom0)
        with pytest.raises(errors.MachineDead, match="powered off"):
            hv.create("web")
        assert "dom0 turns the machine off" in hv.dmesg()
        assert hv.trace[-1].name == "dom0_powers_off"
        assert "dead" in repr(hv)
        assert other.create("web").state == "alive"


def test_two_machines_never_meet():
    def live(seed: int) -> str:
        with pyhv.hosted(seed=seed) as hv:
            for number in range(6):
                web = hv.create(f"web{number}", memory=number + 1)
                web.write(0, bytes([seed]))
                assert hv.run(**{f"web{number}": version}) == {f"web{number}": 4 << 16 | 17}
                assert web.read(0, 1) == bytes([seed])
            return hv.trace.tell() + str(hv.now) + hv.dmesg()

    async def version(me):
        return int(await me.hypercall("xen_version", "version"))

    alone = [live(1), live(2)]
    together = ["", ""]
    threads = [threading.Thread(target=lambda i=i: together.__setitem__(i, live(i + 1)))
               for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone and alone[0] != alone[1]


def test_everything_shows_itself(hv):
    web = hv.create("web")
    for thing in (hv, hv.domains, web, web.vcpus[0], web.p2m, web.p2m.walk(0), hv.trace,
                  hv.trace[0]):
        assert repr(thing) and "object at" not in repr(thing)
        assert thing._repr_html_().startswith(("<", "p2m"))
    frame = hv.domains.table()
    assert list(frame["Name"]) == ["dom0", "web"]
    assert list(hv.trace.table()["event"])[0] == "domain_created"


def test_a_table_without_pandas_is_its_rows(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert show.as_table([{"a": 1}]) == [{"a": 1}]
    assert show.as_text([]) == "(none)"
    assert "&lt;b&gt;" in show.as_html([{"a": "<b>"}])


@pytest.mark.long
def test_pip_builds_the_package(tmp_path: Path):
    """As a person gets it, but for the network: about a minute of one core where it is new."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps"]
    for _ in range(2):
        subprocess.run([*pip, "--upgrade", "--target", str(tmp_path), str(ROOT / "pyhv")],
                       check=True)
    assert (tmp_path / "pyhv" / "py.typed").exists()
    session = ("import pyhv; from pyhv import _hosted; print(_hosted.__file__)\n"
               "with pyhv.hosted() as hv: print(hv.create('web'))")
    done = subprocess.run([sys.executable, "-c", session], cwd=tmp_path, text=True, check=True,
                          env={"PYTHONPATH": str(tmp_path)}, capture_output=True)
    where, shown = done.stdout.splitlines()
    assert where.startswith(str(tmp_path)) and shown == "<web (d1): alive, 4 MiB, 1 vCPU>"
