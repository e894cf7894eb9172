# Promises and doorbells as objects: over the link, on a dom0 in Python, and of a hosted machine.
"""Tests of hv.grants, hv.ports and hv.why that need no machine."""

from struct import pack

import pytest
from fake_dom0 import FakeDom0

import pyhv
from pyhv import errors
from pyhv.api.grants import decode
from pyhv.linked.machine import Linked

READING, WRITING, READ_ONLY, SUB_PAGE = 8, 16, 4, 256


@pytest.fixture
def dom0():
    return FakeDom0()


@pytest.fixture
def hv(dom0):
    with Linked(dom0, "unix:there") as machine:
        machine.create("web", kernel="hello", memory=16)
        machine.create("disk", kernel="hello", memory=16)
        yield machine


def table(*entries: tuple[int, int, int, int], frames: int = 1) -> bytes:
    """Return a table of version 1 with (ref, flags, to whom, frame)."""
    made = bytearray(4096 * frames)
    for ref, *entry in entries:
        made[ref * 8:ref * 8 + 8] = pack("<HHI", *entry)
    return bytes(made)


def test_promises_are_read_from_every_frame(hv, dom0):
    dom0.tables[1] = table((8, 1, 2, 0x110), (700, 1 | READ_ONLY | READING, 0, 0x222), frames=2)
    dom0.tables[2] = table((9, 1 | READING | WRITING, 1, 0x333))
    assert [(each.owner, each.ref, each.grantee, each.held) for each in hv.grants] == [
        (1, 8, 2, ""), (1, 700, 0, "ro"), (2, 9, 1, "rw")]
    web = hv.domains["web"].grants
    assert [each.ref for each in web] == [8, 700] and web[1].frame == 0x222
    assert not web.by_ref(700).writable and web.by_ref(9) is None
    assert [each.owner for each in hv.grants.held.to(1)] == [2]
    assert "<td>0x222</td>" in web._repr_html_()
    held = hv.grants.table().query("held != '' and access == 'rw'")
    assert list(held["owner"]) == [2]


def test_a_word_that_was_taken_back_too_early_is_seen():
    cleared, = decode(1, 1, 0, pack("<HHI", READING, 2, 0x110), b"")
    assert (cleared.kind, cleared.held) == ("taken back", "ro")


def test_the_second_layout():
    entries = (pack("<HHHHQ", 1, 2, 0, 0, 0x110) + pack("<HHHHQ", 1 | SUB_PAGE, 2, 16, 32, 0x111)
               + pack("<HHHHQ", 3, 2, 5, 0, 9) + bytes(16))
    seen = decode(1, 2, 256, entries, pack("<4H", READING | WRITING, 0, 0, READING))
    assert [(each.ref, each.kind, each.held) for each in seen] == [
        (256, "page", "rw"), (257, "part", ""), (258, "passed on", ""), (259, "taken back", "ro")]


def test_ports_are_read_to_the_last(hv, dom0):
    common = {"vcpu": 0, "pending": False, "masked": False}
    dom0.ports[1] = [
        common | {"port": 1, "status": 1, "remote": 0, "masked": True},
        common | {"port": 2, "status": 2, "remote": 2, "remote_port": 7, "pending": True},
        common | {"port": 5, "status": 4, "number": 0, "vcpu": 1},
        common | {"port": 6, "status": 5},
        common | {"port": 9, "status": 3, "number": 4},
    ]
    ports = hv.domains["web"].ports
    assert [(port.port, port.state, port.bound_to) for port in ports] == [
        (1, "unbound", "d0 may come"), (2, "interdomain", "d2 port 7"), (5, "virq", "TIMER"),
        (6, "ipi", ""), (9, "pirq", "4")]
    assert ports.abi == "FIFO" and ports.by_number(2).pending and ports.by_number(1).masked
    assert [port.port for port in hv.ports] == [1, 2, 5, 6, 9]
    assert list(hv.ports.table().query("pending and not masked")["port"]) == [2]


def test_who_is_gone_is_said(hv):
    web = hv.domains["web"]
    web.destroy()
    with pytest.raises(errors.NoSuchDomain, match="no domain 1"):
        hv.why(1)
    with pytest.raises(errors.Failure):
        _ = web.grants


def letters(dom0: FakeDom0, front: int, back: int) -> None:
    """Write the store of a device between two domains, as its toolstack and its ends do."""
    ours, theirs = f"/local/domain/{front}/device/letters/0", \
        f"/local/domain/{back}/backend/letters/{front}/0"
    dom0.store |= {f"{ours}/backend": theirs, f"{ours}/backend-id": str(back),
                   f"{ours}/state": "4", f"{ours}/ring-ref": "8", f"{ours}/event-channel": "3",
                   f"{theirs}/frontend": ours, f"{theirs}/frontend-id": str(front),
                   f"{theirs}/state": "4"}


def bell(port: int, remote: int, remote_port: int, **marks: bool) -> dict:
    return {"port": port, "status": 2, "vcpu": 0, "pending": False, "masked": False,
            "remote": remote, "remote_port": remote_port} | marks


def test_why_reads_the_store_the_ring_and_the_bell(hv, dom0):
    letters(dom0, 1, 2)
    dom0.tables[1] = table((8, 1 | READING | WRITING, 2, 0x110))
    dom0.ports = {1: [bell(3, 2, 9)], 2: [bell(9, 1, 3, pending=True, masked=True)]}
    hv.domains["web"].write(0x110000, pack("<4I", 7, 6, 5, 6))
    for domain in ("web", "disk"):
        why = hv.why(domain)
        (device, owed), = why.devices
        assert (device.front.domain, device.back.domain, device.kind) == (1, 2, "letters")
        assert owed.who == "the backend in d2" and "behind its own mask" in owed.sentence
    assert device.rings[0].unanswered == 2 and device.back.port.port == 9
    dom0.ports[2] = [bell(9, 1, 3)]
    assert hv.why("web").devices[0][1].who == "the frontend in d1"


def test_why_knows_the_console_whose_bell_has_another_name(hv, dom0):
    ours, theirs = "/local/domain/1/device/console/1", "/local/domain/2/backend/console/1/1"
    dom0.store |= {f"{ours}/backend": theirs, f"{ours}/backend-id": "2", f"{ours}/state": "4",
                   f"{ours}/ring-ref": "8", f"{ours}/port": "3", f"{theirs}/frontend": ours,
                   f"{theirs}/frontend-id": "1", f"{theirs}/state": "4"}
    dom0.ports = {1: [bell(3, 2, 9)], 2: [bell(9, 1, 3)]}
    (device, _), = hv.why("web").devices
    assert device.front.port.port == 3 and device.back.port.port == 9
    assert device.rings == ()


@pytest.mark.parametrize("value", ["", "-1", "1e3", "9" * 40, "٣", "../../0", "4294967296"])
def test_why_trusts_nothing_that_a_guest_writes(hv, dom0, value):
    letters(dom0, 1, 2)
    ours = "/local/domain/1/device/letters/0"
    for name in ("state", "ring-ref", "event-channel", "backend"):
        before = dom0.store[f"{ours}/{name}"]
        dom0.store[f"{ours}/{name}"] = value
        assert hv.why(1).devices[0][1].sentence
        dom0.store[f"{ours}/{name}"] = before
    dom0.store[f"{ours}/backend-id"] = value
    assert hv.why(1).sentences
    dom0.tables[1] = table((8, 1, 2, 0xFFFFFFFF))
    assert "cannot be read" in repr(hv.why(2))


def test_a_hosted_machine_tells_of_promises_and_bells():
    table_at, shared = 0x500, 0x501

    async def web(me):
        for space, gfn in (("XENMAPSPACE_grant_table", table_at),
                           ("XENMAPSPACE_shared_info", shared)):
            await me.hypercall("memory_op", "add_to_physmap",
                               {"domid": "DOMID_SELF", "space": space, "gpfn": gfn})
        me.write((table_at << 12) + 8 * 42, pack("<HHI", 1 | READ_ONLY, 0, 0x80))
        await me.hypercall("event_channel_op", "alloc_unbound",
                           {"dom": "DOMID_SELF", "remote_dom": 0})
        await me.hypercall("event_channel_op", "bind_ipi", {"vcpu": 0})
        await me.hypercall("event_channel_op", "bind_virq", {"virq": "VIRQ_TIMER", "vcpu": 0})
        me.write((shared << 12) + 2048 + 512, bytes([1 << 2]))
        await me.hypercall("event_channel_op", "send", {"port": 2})

    with pyhv.hosted() as hv:
        hv.run(web)
        domain = hv.domains["web"]
        promise, = hv.grants
        assert (promise.owner, promise.ref, promise.grantee, promise.frame) == (1, 42, 0, 0x80)
        assert not promise.writable and promise.held == ""
        assert [(port.port, port.state, port.bound_to) for port in domain.ports] == [
            (1, "unbound", "d0 may come"), (2, "ipi", ""), (3, "virq", "TIMER")]
        rung = domain.ports.by_number(2)
        assert rung.pending and rung.masked and not domain.ports.by_number(1).masked
        assert list(hv.ports) == list(domain.ports), "dom0 has none"
        domain.destroy()
        with pytest.raises(errors.NoSuchDomain):
            _ = domain.grants
        with pytest.raises(errors.NoSuchDomain):
            _ = domain.ports


@pytest.mark.parametrize("version", [1, 2])
def test_a_hosted_machine_tells_who_has_the_page_of_the_dead(version):
    async def lender(me):
        await me.hypercall("grant_table_op", "set_version", {"version": version}, 1)
        await me.hypercall("memory_op", "add_to_physmap",
                           {"domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table",
                            "gpfn": 0x500})
        entry = pack("<HHI", 1, 2, 0x80) if version == 1 else pack("<HHHHQ", 1, 2, 0, 0, 0x80)
        me.write((0x500 << 12) + len(entry) * 42, entry)

    async def taker(me):
        return await me.hypercall(
            "grant_table_op", "map_grant_ref",
            {"host_addr": 0x600 << 12, "flags": "GNTMAP_host_map", "ref": 42, "dom": 1}, 1)

    with pyhv.hosted() as hv:
        assert (hv.create("lender").id, hv.create("taker").id) == (1, 2)
        hv.run(lender)
        assert hv.run(taker)["taker"].status == 0
        assert hv.grants[0].held == "rw"
        hv.domains["lender"].destroy()
        dead = hv.domains[1]
        assert dead.state == "dying"
        promise, = dead.grants
        assert (promise.ref, promise.grantee, promise.held) == (42, 2, "rw")
        assert "d2 must unmap it" in str(hv.why(1).owed)
        hv.domains["taker"].destroy()
        assert 1 not in hv.domains
