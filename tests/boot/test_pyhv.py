# Machines that Python boots (T1): one QEMU for most of it, shared; Bochs once, for a glance.
"""`pyhv.boot()` on real emulators."""

import doctest
import os

import pytest

import pyhv
from pyhv import errors
from pyhv.paths import ROOT

pytestmark = pytest.mark.events


@pytest.fixture(scope="module")
def hv():
    with pyhv.boot(memory=512, guests=("hello", "linux"), files={"notes": b"a file"}) as machine:
        yield machine


@pytest.fixture
def hello(hv):
    domain = hv.create("hello", vcpus=1)
    yield domain
    if domain.id in hv.domains:
        domain.destroy()


def test_a_machine_tells_of_itself(hv):
    assert repr(hv).startswith("<booted machine: qemu, svm, 1 pCPUs, 512 MiB, ")
    assert hv.domains[0].name == "Domain-0"
    assert {"dom0", "hello", "vmlinuz", "initrd", "notes"} <= set(hv.files)
    assert hv.hello.engine == "svm" and len(hv.cpus) == 1
    assert "My engine is SVM." in hv.log
    assert "I gave dom0" in hv.dmesg()


def test_a_small_guest_lives_and_is_looked_at(hv, hello):
    assert hello.console.expect(r"hello: second (\d+)")
    hello.pause()
    assert (hello.state, hello.vcpus[0].state) == ("paused", "paused")
    seen = hello.registers.rip
    assert seen > 0x100000 and hello.registers.rip == seen
    hello.console.read()
    assert hello.console.read() == ""
    hello.unpause()
    assert hello.console.expect(r"hello: second (\d+)")
    hello.write(0x2FF0, b"over the edge of a page")
    assert hello.read(0x2FF0, 23) == b"over the edge of a page"
    with pytest.raises(errors.NoSuchMemory, match=f"d{hello.id} has no memory at 0x3000000"):
        hello.read(0x3000000, 1)
    assert hv.store[f"/local/domain/{hello.id}/name"] == "hello"


def test_a_frozen_machine_is_read_and_goes_on(hv, hello):
    hello.console.expect("awake")
    walk = hello.p2m.walk(0x1000)
    assert walk.mpa is not None and "walk" in repr(hello.p2m)
    with hv.freeze() as frozen:
        assert frozen.domains[hello.id].p2m.walk(0x1000).mpa == walk.mpa
        with pytest.raises(errors.Frozen, match="nobody in it can list: leave the `with`"):
            list(hv.domains)
    assert len(hv.frames) > 1
    assert hello.console.expect(r"hello: second (\d+)")


def test_linux_from_create_to_its_end(hv):
    linux = hv.create("linux", kernel="linux")
    linux.console.expect("linux# ", 120)
    assert "PVH" in linux.console.ask("cat /sys/hypervisor/guest_type", "linux# ")
    linux.shutdown()
    assert linux.wait(timeout=60) == "gone"
    assert hv.wait_for(rf"linux \(d{linux.id}\) powered off")
    with pytest.raises(errors.NoSuchDomain, match="is gone"):
        linux.pause()
    assert "linux# " in linux.console.text


def test_a_domain_that_dies_inside_a_with_is_one_clear_line(hv, hello):
    hello.console.expect("awake")
    hv.domains["hello"].destroy()
    with pytest.raises(errors.NoSuchDomain, match=r"hello \(d\d+\) is gone; its console is silent"):
        hello.console.expect("never said")


def test_what_was_sent_is_what_a_domain_is_made_of(hv):
    with pytest.raises(errors.Refused, match="broken"):
        hv.create("broken", kernel=b"no kernel at all")
    assert "broken" not in hv.domains
    assert any(name.startswith("data-") for name in hv.files)


def test_two_clients_the_newest_has_the_link(hv):
    where = hv._wire.where
    assert where.startswith("unix:")
    with pytest.raises(errors.LinkLost, match="did not answer 'hello'"):
        # QEMU lets one in at a time: the other waits at the door
        from pyhv.link import Link

        Link.open(where, timeout=0.5)
    assert len(hv.domains) >= 1


def test_nothing_is_left_behind():
    with pyhv.boot(memory=256) as hv:
        process, folder = hv.emulator.process, hv._folder
        web = hv.create("web")
    assert process.poll() is not None and not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    for ask in (hv.dmesg, lambda: web.state, hv.ask, lambda: hv.emulator):
        with pytest.raises((errors.Closed, TypeError)):
            ask()
    assert "I run." in hv.log and repr(hv) == "<booted machine: closed>"


def test_an_exception_takes_the_machine_with_it():
    with pytest.raises(KeyboardInterrupt), pyhv.boot(memory=256) as hv:
        process = hv.emulator.process
        raise KeyboardInterrupt
    assert process.poll() is not None


def test_a_machine_that_is_turned_off_says_so():
    with pyhv.boot(memory=256) as hv:
        hv.poweroff()
        hv.wait_for_end()
        with pytest.raises(errors.MachineGone, match="the machine is gone: it was turned off"):
            hv.domains["Domain-0"].state
        assert "the machine is gone" in repr(hv)


def test_a_machine_that_refuses_to_start_says_why():
    with pytest.raises(errors.MachineGone, match="I cannot go on: dom0 wants the") as refused:
        pyhv.boot(memory=64)
    assert "to repeat it by hand" in refused.value.details
    with pytest.raises(errors.MachineGone, match=r"I panic on pCPU 0"):
        pyhv.boot(memory=256, options="panic")


def test_the_session_in_the_book_is_true():
    page = ROOT / "book" / "preface" / "driving.md"
    result = doctest.testfile(str(page), module_relative=False,
                              optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
    assert result.failed == 0 and result.attempted > 15


def test_vmx_in_bochs_reads_the_same():
    with pyhv.boot("vmx", memory=256) as hv:
        assert hv.hello.engine == "vmx"
        hello = hv.create("hello")
        assert hello.console.expect("hello: I am awake", 240)
        assert hello.vcpus[0].state in ("running", "runnable", "blocked")
        hello.destroy()
        assert hello.wait() == "gone"
