# The lab's guests: a lender, who promises a page and takes it back, and a borrower, who takes it.
"""Six functions of the chapter *grants*, each handed `me`: its memory, and the way to its host."""

import struct

PAGE = 4096
REFERENCE = 42
"""The row that both sides agreed on."""
ROW_BYTES = 8
"""A row of version 1: flags (2 bytes), domain (2), frame (4)."""
PERMIT_ACCESS, READ_ONLY, READING, WRITING = 1, 4, 8, 16
"""GTF_permit_access and GTF_readonly, which you set; GTF_reading and GTF_writing, which I set."""
MAP, MAP_READ_ONLY = 2, 4
"""GNTMAP_host_map and GNTMAP_readonly; both together are their sum."""


async def show_table(me, at: int) -> None:
    """Have the first frame of your grant table put at guest frame `at`, where you can write it."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": at})


async def promise(me, table: int, to: int, frame: int) -> None:
    """Promise domain `to` your guest frame `frame`, to read and to write, by row REFERENCE.

    The table is at guest frame `table`.
    """
    row = table * PAGE + REFERENCE * ROW_BYTES
    me.write(row + 2, struct.pack("<HI", to, frame))
    me.write(row, struct.pack("<H", PERMIT_ACCESS))


async def borrow(me, owner: int, at: int) -> bytes:
    """Map what domain `owner` promised by row REFERENCE at guest frame `at`, to read it alone.

    Return its first 16 bytes, when you have given it back; b"" where it is not to be had.
    """
    mapped = await me.hypercall("grant_table_op", "map_grant_ref", {
        "host_addr": at * PAGE, "flags": MAP + MAP_READ_ONLY, "ref": REFERENCE, "dom": owner}, 1)
    if mapped.status != 0:
        return b""
    seen = me.read(at * PAGE, 16)
    await me.hypercall("grant_table_op", "unmap_grant_ref", {
        "host_addr": at * PAGE, "handle": mapped.handle}, 1)
    return seen


async def copy(me, owner: int, frame: int) -> int:
    """Have that page copied into your guest frame `frame`, whole, and never map it.

    Return the status that the copy ended with.
    """
    done = await me.hypercall("grant_table_op", "copy", {
        "source": REFERENCE, "source_domid": owner, "source_offset": 0,
        "dest": frame, "dest_domid": "DOMID_SELF", "dest_offset": 0,
        "len": PAGE, "flags": "GNTCOPY_source_gref"}, 1)
    return done.status


async def take_back(me, table: int) -> bool:
    """Take the promise of row REFERENCE back, if nobody uses its page.

    True: from now on nobody can. False: somebody does, and the promise stands as it stood.
    """
    row = table * PAGE + REFERENCE * ROW_BYTES
    (flags,) = struct.unpack("<H", me.read(row, 2))
    idle = flags & ~(READING | WRITING)
    return me.compare_exchange(row, struct.pack("<H", idle), struct.pack("<H", 0))


async def reuse(me, table: int, frame: int, secret: bytes) -> None:
    """Take the promise back, giving way for as long as its page is used; then write `secret` there.

    `frame` is the page that was promised.
    """
    while not await take_back(me, table):
        await me.hypercall("sched_op", "yield")
    me.write(frame * PAGE, secret)
