# Grants of the hosted tier: what one guest promises another by hand, mapped, copied and given back.
"""Tests of grant_table_op's structures, as `me.hypercall` takes them."""

import struct

import pyhv


async def lender(me):
    """Promise d2 a page by reference 8, and show oneself the table at frame 0x10000."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "gpfn": 0x10000})
    me.write((0x10000 << 12) + 8 * 8, struct.pack("<HHI", 1, 2, 0x205))
    me.write(0x205 << 12, b"a question")


async def borrower(me):
    """Copy it, map it, give it back, and try a reference that nobody wrote."""
    copied = await me.hypercall("grant_table_op", "copy", {
        "source": 8, "source_domid": 1, "dest": 0x300, "dest_domid": "DOMID_SELF", "len": 10,
        "flags": "GNTCOPY_source_gref"}, 1)
    wish = {"host_addr": 0x20000 << 12, "flags": "GNTMAP_host_map", "ref": 8, "dom": 1}
    mapped = await me.hypercall("grant_table_op", "map_grant_ref", wish, 1)
    read = me.read(0x300 << 12, 10), me.read(0x20000 << 12, 10)
    wish = {"host_addr": 0x20000 << 12, "handle": mapped.handle}
    unmapped = await me.hypercall("grant_table_op", "unmap_grant_ref", wish, 1)
    wish = {"host_addr": 0x20000 << 12, "flags": "GNTMAP_host_map", "ref": 9, "dom": 1}
    refused = await me.hypercall("grant_table_op", "map_grant_ref", wish, 1)
    return copied.status, mapped.status, read, unmapped.status, refused.status


def test_two_guests_share_a_page():
    question = b"a question"
    with pyhv.hosted(seed=1, cpus=2, memory=64) as hv:
        hv.run(lender)
        assert hv.run(borrower) == {"borrower": (0, 0, (question, question), 0, -1)}
