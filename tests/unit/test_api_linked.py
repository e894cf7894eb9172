# The objects of T1 and T2, on a dom0 in Python: what they show, what they ask, what they refuse.
"""Tests of pyhv.linked that need no machine."""

import pytest
from fake_dom0 import FakeDom0

import pyhv
from pyhv import errors
from pyhv.api import Domain, Hypervisor
from pyhv.linked.machine import Linked


@pytest.fixture
def dom0():
    return FakeDom0()


@pytest.fixture
def hv(dom0):
    with Linked(dom0, "unix:there") as machine:
        yield machine


@pytest.fixture
def web(hv):
    return hv.create("web", kernel="hello", memory=16, vcpus=2)


def test_one_vocabulary_for_hosted_and_linked_machines(hv, web):
    with pyhv.hosted() as hosted:
        theirs = hosted.create("web")
        assert isinstance(hosted, Hypervisor) and isinstance(theirs, Domain)
        assert list(theirs.row()) == list(web.row())
        assert list(theirs.vcpus[0].row()) == list(web.vcpus[0].row())
        assert list(hosted.domains.table().columns) == list(hv.domains.table().columns)


def test_domains_are_found_by_name_and_number(hv, web):
    assert hv.domains["web"].id == hv.domains[1].id == 1
    assert [domain.name for domain in hv.domains] == ["Domain-0", "web"]
    assert repr(web) == "<web (d1): alive, 16 MiB, 2 vCPUs>"
    with pytest.raises(errors.NoSuchDomain,
                       match=r"no domain 'wen'; there are: Domain-0 \(d0\), web \(d1\)"):
        hv.domains["wen"]


def test_pause_and_unpause(web):
    web.pause()
    web.pause()
    assert (web.state, web.vcpus[0].state) == ("paused", "paused")
    web.unpause()
    assert (web.state, web.vcpus[0].state, web.vcpus[1].state) == ("alive", "blocked", "down")
    with pytest.raises(errors.Refused, match="web is not paused") as refused:
        web.unpause()
    assert refused.value.error == "EINVAL"


def test_a_domain_that_ends(hv, web):
    web.shutdown()
    assert web.wait() == "gone"
    assert repr(web) == "<web (d1): gone>"
    assert hv.wait_for(r"web \(d(\d+)\) powered off")[1] == "1"
    for ask in (web.pause, web.unpause, web.destroy, lambda: web.read(0, 1), lambda: web.memory,
                lambda: web.vcpus, lambda: web.wait("paused")):
        with pytest.raises(errors.NoSuchDomain, match=r"d1\b.*(gone|any more)"):
            ask()


def test_waiting_says_for_what(hv, web):
    with pytest.raises(errors.TookTooLong, match="for web to be shut down or crashed; it is alive"):
        web.wait("shut down", "crashed", timeout=0)
    with pytest.raises(errors.TookTooLong, match="waited 0 s for 'never'.*ends with 'I run"):
        hv.wait_for("never", timeout=0)
    assert hv.wait_for(r"I am (\d+) bytes")[1] == "12345"
    with pytest.raises(errors.TookTooLong):
        hv.wait_for(r"I am (\d+) bytes", timeout=0)


def test_memory_is_read_and_written_in_parts(web, dom0):
    data = bytes(range(256)) * 40
    web.write(0x1F80, data)
    assert web.read(0x1F80, len(data)) == data
    assert dom0.calls.count("memory.write") == 6
    with pytest.raises(errors.NoSuchMemory, match="d1 has no memory at 0x1000000"):
        web.read((16 << 20) - 1, 2)


def test_registers_have_names(web):
    assert web.registers.rip == web.registers["rip"] == 0x100000
    assert web.vcpus[1].registers.rip == 0x100001
    with pytest.raises(AttributeError, match="no register 'rap'; there are: rip rflags"):
        _ = web.registers.rap


def test_the_store_is_a_mapping(hv):
    assert hv.store["/local/domain/0/name"] == "Domain-0"
    hv.store["/tool/x"] = "1"
    assert hv.store.list("/") == ["local", "tool"] and "/tool/x" in hv.store
    assert hv.store.below("/tool").table()["path"].tolist() == ["/tool", "/tool/x"]
    del hv.store["/tool/x"]
    with pytest.raises(KeyError, match="the store has no entry /tool/x"):
        _ = hv.store["/tool/x"]


def test_create_sends_what_dom0_lacks_and_only_once(hv, dom0, tmp_path):
    kernel = tmp_path / "mine.elf"
    kernel.write_bytes(b"\x7fELF" * 3000)
    hv.create("one", kernel=kernel, ramdisk=b"some data", cmdline="quiet")
    hv.create("two", kernel=str(kernel), ramdisk=[b"some data"])
    sent = dom0.created[0]
    assert sent["kernel"].startswith("mine.elf-") and sent["ramdisks"][0].startswith("data-")
    assert dom0.files[sent["kernel"]] == kernel.read_bytes()
    assert dom0.created[1]["kernel"] == sent["kernel"]
    assert dom0.calls.count("file.begin") == 2
    assert (dom0.created[0]["memory"], dom0.created[0]["cmdline"]) == (16, "quiet")


def test_linux_is_a_name_for_what_the_module_has(hv, dom0):
    dom0.files |= {"vmlinuz": b"k", "initrd": b"r"}
    hv.create("linux", kernel="linux")
    assert dom0.created == [{"name": "linux", "kernel": "vmlinuz", "ramdisks": ["initrd"],
                             "memory": 256, "vcpus": 1, "cmdline": "console=hvc0 quiet"}]


def test_create_refuses_in_one_line(hv, web):
    with pytest.raises(errors.Refused, match="a domain named web exists already"):
        hv.create("web")
    with pytest.raises(errors.WrongArgument, match="no file 'helo', here or in dom0.*: hello"):
        hv.create("other", kernel="helo")
    with pytest.raises(errors.WrongArgument, match="needs a kernel"):
        hv.create("other", kernel=None)


def test_ctrl_c_leaves_no_half_file(hv, dom0):
    def interrupt(verb: str) -> None:
        if verb == "file.write":
            raise KeyboardInterrupt

    dom0.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        hv.create("other", kernel=b"a kernel")
    assert dom0.upload is None and list(dom0.files) == ["hello"]
    assert "other" not in hv.domains


def test_what_only_an_emulator_can_do_names_its_tier(hv, web):
    for ask in (hv.freeze, lambda: hv.frames, lambda: web.p2m):
        with pytest.raises(errors.NotOnThisTier, match="T1 can be frozen"):
            ask()
    for ask in (hv.run_until, lambda where: hv.breakpoint(where, print)):
        with pytest.raises(errors.NotOnThisTier, match="T1 has breakpoints, and T0 has them at"):
            ask("hv::create_domain")


def test_a_closed_machine_says_so(hv, web, dom0):
    hv.close()
    hv.close()
    assert dom0.closed and repr(hv) == "<machine at unix:there: closed>"
    for ask in (hv.dmesg, lambda: web.state, lambda: hv.domains["web"], lambda: hv.create("x"),
                lambda: web.console.read()):
        with pytest.raises(errors.Closed, match=r"closed: open it again with pyhv.connect\("):
            ask()


def test_everything_shows_itself(hv, web):
    things = (hv, hv.domains, web, web.vcpus, web.vcpus[0], web.console, web.registers, hv.cpus,
              hv.store, hv.files)
    for thing in things:
        assert repr(thing) and "object at" not in repr(thing)
        assert thing._repr_html_().startswith("<")
    assert repr(hv) == "<machine at unix:there: 2 pCPUs, 512 MiB, 2 domains>"
    assert hv.cpus.table()["Idle(s)"].tolist() == [2.0, 5.0]
