# What hv grants, hv events and hv why see of a machine that runs: lenders, Linux, and the dead.
"""Promises, doorbells and who owes the next move, on real emulators."""

from struct import pack

import pytest

import pyhv
from pyhv import errors
from pyhv.api.waiting import waiting
from pyhv.linked.devices import Device, attach

pytestmark = pytest.mark.events

LENDER, BORROWER = "role=lender with={} {}", "role=borrower with={} keep=yes"
REFERENCE = 42
TOOLSTACKS = [(0, 0), (1, 0)]
"""Of each domain: its console's page and its store's, for dom0."""


@pytest.fixture(scope="module")
def hv():
    with pyhv.boot(memory=512, guests=("neighbours", "letters", "linux")) as machine:
        yield machine


def neighbours(hv, lends="", timeout=60.0):
    """Make two guests of which one has the other's page, and keeps it."""
    probe = hv.create("probe", kernel="neighbours", cmdline=LENDER.format(0, lends))
    probe.destroy()
    first = probe.id + 1  # numbers rise, and each guest has to be told the other's
    lender = hv.create("lender", kernel="neighbours", cmdline=LENDER.format(first + 1, lends))
    borrower = hv.create("borrower", kernel="neighbours", cmdline=BORROWER.format(first))
    assert (lender.id, borrower.id) == (first, first + 1)
    assert borrower.console.expect("borrower: a copy says 'who is there", timeout)
    return lender, borrower


@pytest.fixture
def pair(hv):
    both = neighbours(hv)
    yield both
    for domain in both:
        if domain.id in hv.domains and domain.state != "dying":
            domain.destroy()


def test_a_promise_is_seen_and_who_has_it(hv, pair):
    lender, borrower = pair
    promise = lender.grants.by_ref(REFERENCE)
    assert [promise] == list(hv.grants.held.to(borrower.id))
    assert (promise.owner, promise.grantee, promise.held) == (lender.id, borrower.id, "rw")
    assert lender.read(promise.frame << 12, 12) == b"who is there"
    assert [(each.ref, each.grantee) for each in borrower.grants] == TOOLSTACKS
    assert len(hv.domains[0].grants) == 0
    borrower.destroy()
    assert len(hv.grants.held) == 0, "what was held went back with its holder"


def test_a_leak_is_found_by_a_query(hv):
    """The lender uses the page anew, which it lent and never took back; the borrower reads on."""
    lender, borrower = neighbours(hv, lends="forgets=yes")
    borrower.console.expect("borrower: now I read 'the password is 1234'")
    found = hv.grants.table().query(f"owner == {lender.id} and held != ''")
    assert list(found["ref"]) == [REFERENCE] and list(found["grantee"]) == [borrower.id]
    at = int(found["frame"].iloc[0], 16) << 12
    assert lender.read(at, 12) == b"the password", "the page is in use for something else"
    for domain in (lender, borrower):
        domain.destroy()


def test_the_last_page_of_the_dead_is_told(hv, pair):
    lender, borrower = pair
    lender.destroy()
    dead = hv.domains[lender.id]
    assert dead.state == "dying" and len(dead.ports) == 0
    assert [(each.ref, each.held) for each in dead.grants.held] == [(REFERENCE, "rw")]
    why = hv.why(lender.id)
    assert why.owed.who == f"d{borrower.id}"
    assert f"reference {REFERENCE}, page" in str(why.owed)
    assert f"d{borrower.id} must unmap it" in repr(why)
    borrower.destroy()
    assert hv.wait_for_event("domain_gone", lender.id)
    with pytest.raises(errors.NoSuchDomain):
        hv.why(lender.id)


def test_why_names_the_ring_and_the_promise_that_it_lies_in(hv, pair):
    lender, borrower = pair
    front, back = (f"/local/domain/{lender.id}/device/paper/0",
                   f"/local/domain/{borrower.id}/backend/paper/{lender.id}/0")
    for path, value in {
        f"{front}/backend": back, f"{front}/backend-id": borrower.id, f"{front}/state": 3,
        f"{front}/ring-ref": REFERENCE, f"{back}/frontend": front,
        f"{back}/frontend-id": lender.id, f"{back}/state": 3,
    }.items():
        hv.store[path] = str(value)
    lender.write(lender.grants.by_ref(REFERENCE).frame << 12, pack("<4I", 7, 6, 5, 6))
    for domain in pair:
        (device, owed), = hv.why(domain).devices
        assert owed.who == f"the backend in d{borrower.id}" and "waits politely" in str(owed)
        assert device.rings[0].unanswered == 2 and device.rings[0].grant.held == "rw"
    borrower.pause()
    assert hv.why("lender").devices[0][1].who == "whoever paused it"
    borrower.unpause()
    hv.store[f"{front}/state"] = hv.store[f"{back}/state"] = "6"
    (_, owed), = hv.why("lender").devices
    assert "both ends are closed, and it still holds the page of reference 42" in str(owed)


@pytest.fixture
def letters(hv):
    """Make a back, a front, and the device that they will have when it is attached."""
    made = []

    def make(words=""):
        back, front = (hv.create(role, kernel="letters", memory=4,
                                 cmdline=f"role={role} {more}")
                       for role, more in (("back", words), ("front", "letters=1000000")))
        made.extend((back, front))
        return back, front, Device("letters", front.id, back.id)

    yield make
    for domain in made:
        if domain.id in hv.domains:
            domain.destroy()


def owed_by(hv, domain, who):
    """Ask why, until it is that one who owes the next move; return the device and the sentence."""
    for _ in waiting(30):
        (device, owed), = hv.why(domain).devices
        if owed.who == who:
            return device, str(owed)
    pytest.fail(f"waited until {who} owes the next move; it is: {owed}")


def test_a_handshake_and_a_talk_that_stop_with_a_held_backend(hv, letters):
    back, front, device = letters()
    back.pause()
    attach(hv, device)
    seen, says = owed_by(hv, front, "whoever paused it")
    assert "it has not begun, at 1 (Initialising)" in says and seen.back.life == "paused"
    back.unpause()
    front.console.expect("answers 'MIND THE STEP'")
    back.pause()
    seen, says = owed_by(hv, front, "whoever paused it")
    ring, = seen.rings
    assert (seen.front.state, seen.back.state) == (4, 4) and ring.grant.held == "rw"
    assert ring.unanswered in (0, 1), "one letter at a time"
    assert seen.front.port.bound_to == f"d{back.id} port {seen.back.port.port}"
    assert hv.why(back).devices[0][0].back.port == seen.back.port, "it is asked from either end"
    told = repr(hv.why(front))
    assert f"letters/0 of d{front.id}" in told and "4 (Connected)" in told
    before = ring.req_prod
    back.unpause()
    front.console.expect("answers")
    assert hv.why(front).devices[0][0].rings[0].req_prod > before, "they talk again"


def test_a_crashed_backend_is_the_toolstacks_affair(hv, letters):
    back, front, device = letters("die=took")
    attach(hv, device)
    assert back.wait("crashed") == "crashed"
    seen, says = owed_by(hv, front, "the toolstack")
    assert f"d{back.id} crashed" in says
    assert seen.rings[0].unanswered == 1, "it took a letter, and never answered"


@pytest.fixture(scope="module")
def linux(hv):
    domain = hv.create("linux", kernel="linux")
    domain.console.expect("linux# ", 120)
    return domain


def test_every_doorbell_of_linux_has_its_other_end(hv, linux):
    ports = linux.ports
    assert ports.abi == "FIFO"
    assert {"TIMER"} <= {port.bound_to for port in ports if port.state == "virq"}
    bells = [port for port in ports if port.state == "interdomain"]
    assert len(bells) == 2, "its console's and its store's"
    theirs = hv.domains[0].ports
    for bell in bells:
        end = theirs.by_number(bell.remote_port)
        assert (bell.remote, end.remote, end.remote_port) == (0, linux.id, bell.port)
    assert int(hv.store[f"/local/domain/{linux.id}/store/port"]) in [bell.port for bell in bells]
    assert not any(bell.masked for bell in bells)


def test_a_bell_that_a_paused_guest_does_not_hear(hv, linux):
    console = int(hv.store[f"/local/domain/{linux.id}/console/port"])
    assert not linux.ports.by_number(console).pending
    linux.pause()
    linux.console.write("#")
    assert linux.ports.by_number(console).pending
    assert hv.why(linux).owed.who == "whoever paused it"
    linux.unpause()
    linux.console.write("\n")
    assert linux.console.expect("linux# ")
    for _ in range(100):
        if not linux.ports.by_number(console).pending:
            break
    assert not linux.ports.by_number(console).pending


def test_vmx_in_bochs_sees_the_same():
    with pyhv.boot("vmx", memory=256, guests=("neighbours",)) as hv:
        lender, borrower = neighbours(hv, timeout=240)
        assert [(each.ref, each.grantee, each.held) for each in lender.grants.held] == [
            (REFERENCE, borrower.id, "rw")]
        assert {port.state for port in borrower.ports} == {"interdomain"}
        assert borrower.ports.abi == "two-level"
        lender.destroy()
        assert hv.why(lender.id).owed.who == f"d{borrower.id}"
