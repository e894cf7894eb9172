# d1 promises a page to d2, who passes it on to d3, who tries to pass it on to d4.
import struct

import pyhv

PAGE, TABLE = 4096, 0x10000
# grant_entry_v2, in xen/grant_table.h: a whole page; another's promise
WHOLE, PASSED = struct.Struct("<HHIQ"), struct.Struct("<HHHHII")
PERMIT, TRANSITIVE = 1, 3
STATUS = {0: "done", -1: "general error"}


async def show_table(me):
    """Shows itself its table, in version 2."""
    await me.hypercall("grant_table_op", "set_version", {"version": 2}, 1)
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": TABLE})


async def copy(me, source: int):
    """Ask for a copy of row 8 of another's."""
    return await me.hypercall("grant_table_op", "copy", {
        "source": 8, "source_domid": source, "dest": 0x300, "dest_domid": "DOMID_SELF",
        "len": 13, "flags": "GNTCOPY_source_gref"}, 1)


async def owner(me):
    """d1 promises its page to d2."""
    await show_table(me)
    me.write(0x205 * PAGE, b"who is there?")
    me.write(TABLE * PAGE + 8 * 16, WHOLE.pack(PERMIT, 2, 0, 0x205))


async def passer(me):
    """Promises on what the domain before promised to it."""
    await show_table(me)
    number = me.domain.id
    me.write(TABLE * PAGE + 8 * 16, PASSED.pack(TRANSITIVE, number + 1, number - 1, 0, 8, 0))


async def last(me):
    """Copies from the domain before."""
    print(f"d{me.domain.id} copies by d{me.domain.id - 1}'s row: "
          f"{STATUS[(await copy(me, me.domain.id - 1)).status]}")


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    for number in range(1, 5):
        hv.create(f"d{number}")
    hv.run(d1=owner)
    hv.run(d2=passer)
    hv.run(d2=last)
    hv.run(d3=passer)
    hv.run(d3=last)
    hv.run(d4=last)
