# Breakpoints of a machine that runs: met while dom0 answers, on both emulators.
"""`hv.breakpoint()`, `hv.run_until()` and `hv.wait_for_event()` of tier T1."""

import pytest

import pyhv
from pyhv import errors

pytestmark = pytest.mark.events

MAKES_ONE = "hv::create_domain"


@pytest.fixture(scope="module", params=["svm", "vmx"])
def hv(request):
    with pyhv.boot(request.param, memory=256) as machine:
        yield machine


@pytest.fixture(autouse=True)
def _alone(hv):
    yield
    for domain in hv.domains:
        if domain.id:
            domain.destroy()
            assert hv.wait_for_event("domain_gone", domain).fields == {"domain": domain.id}


def test_a_callback_sees_all_and_dom0_answers_meanwhile(hv):
    seen = []

    def look(hit):
        seen.append((len(hit.frozen.domains), hit.cpu.current, hit.cpu.backtrace()[0]["in"]))

    with hv.breakpoint(MAKES_ONE, look) as here:
        assert len(hv.domains) == 1 and not seen
        web = hv.create("web")
        assert here.hits == 1 and web.state == "alive"
        with pytest.raises(errors.AlreadyFrozen, match="hit.frozen.break_at"):
            hv.breakpoint(MAKES_ONE, look)
    assert seen == [(1, (0, 0), MAKES_ONE)]
    hv.create("other")
    assert len(seen) == 1
    assert hv.wait_for_event("domain_created", web).domain == web.id


def test_a_callback_removes_its_own_breakpoint_and_the_machine_goes_on(hv):
    with hv.breakpoint(MAKES_ONE, lambda hit: hit.breakpoint.remove()) as here:
        hv.create("web")
        hv.create("other")
        assert here.hits == 1 and len(hv.domains) == 3


def test_an_exception_in_a_callback_comes_out_of_what_was_asked(hv):
    def fail(hit):
        raise LookupError("of my own")

    with pytest.raises(LookupError, match="of my own") as caught, hv.breakpoint(MAKES_ONE, fail):
        hv.create("web")
    assert caught.value.hit.registers.rip and "in the callback of" in caught.value.__notes__[0]
    # Nothing is lost: the machine goes on, and does what it was asked
    assert "web" in hv.domains


def test_a_callback_stops_the_machine_until_the_with_is_left(hv):
    with hv.breakpoint(MAKES_ONE, lambda hit: hit.stop()) as here:
        with pytest.raises(errors.Frozen, match="stands at a breakpoint, .*leave the `with`"):
            hv.create("web")
        assert here.hit.cpu.in_hypervisor and len(here.hit.frozen.domains) == 1
    assert "web" in hv.domains


def test_a_callback_pauses_the_domain_that_it_watches(hv):
    web = hv.create("web")
    web.console.expect("hello: second 1", 240)
    with hv.freeze() as frozen:
        at = frozen.domains[web.id].vcpus[0].registers.rip

    def hold(hit):
        web.pause()
        hit.breakpoint.remove()

    with hv.breakpoint(at, hold, domain=web) as here:
        web.wait("paused", timeout=120)
        assert here.hits == 1 and hv.domains["Domain-0"].state == "alive"
    rip = web.registers.rip
    web.write(0x3000, b"held")
    assert (web.state, web.registers.rip, web.read(0x3000, 4)) == ("paused", rip, b"held")
    web.unpause()
    web.console.expect(r"hello: second (\d+)", 240)


def test_a_callback_can_ask_dom0_for_nothing_else(hv):
    def ask(hit):
        hv.domains["web"].state

    with pytest.raises(errors.Frozen, match="nobody answers in a callback"):
        with hv.breakpoint(MAKES_ONE, ask):
            hv.create("web")
    assert "web" in hv.domains


def test_the_machine_runs_until_a_guest_comes_somewhere_and_stands_there(hv):
    web = hv.create("web")
    web.console.expect("hello: second 1", 240)  # from here on it only goes round
    with hv.freeze() as frozen:
        at = frozen.domains[web.id].vcpus[0].registers.rip
    with hv.run_until(at, domain=web, timeout=120) as frozen:
        assert frozen.hit.vcpu == (web.id, 0) and frozen.hit.registers.rip == at
        assert frozen.step(web.id).before.rip == at
    assert web.state == "alive"
    with pytest.raises(errors.TookTooLong, match=r"waited 0.2 s for <breakpoint at 0x"):
        hv.run_until(MAKES_ONE, timeout=0.2)
    assert web.state == "alive"


def test_a_place_that_is_none(hv):
    with pytest.raises(errors.WrongArgument, match="the hypervisor has no function hv::nothing"):
        hv.run_until("hv::nothing")
    with pytest.raises(errors.WrongArgument, match="no function hv::nothing"), \
            hv.breakpoint("hv::nothing", print):
        pass
    assert len(hv.domains) == 1


def test_a_reset_brings_another_dom0_or_is_refused(hv):
    hv.create("web")
    if hv.description.emulator == "bochs":
        with pytest.raises(errors.NotOnThisTier, match="QEMU's can be reset"):
            hv.reset()
        assert "web" in hv.domains
    else:
        hv.reset()
        assert len(hv.domains) == 1
