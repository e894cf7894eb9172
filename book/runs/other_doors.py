# d1 promises one page to d2. A third domain, and d2 itself, try every way to more than that.
import errno
import struct

import pyhv
from pyhv.errors import NoSuchMemory

PAGE, ROW = 4096, struct.Struct("<HHI")  # grant_entry_v1, in xen/grant_table.h
TABLE, HOLE, OFFERED = 0x10000, 0x20000, 0x205
ADD_BATCH, FOREIGN, GMFN, SELF = 23, 4, 2, 0x7FF0  # xen/memory.h
PERMIT, READ_ONLY = 1, 4
STATUS = {0: "done", -1: "general error", -2: "bad domain", -3: "bad reference", -8:
          "permission denied", -9: "bad page", -10: "bad copy argument"}


def say(what: str, answer) -> None:
    """Print one attempt and what was said."""
    status = STATUS[answer.status] if "status" in answer.fields else "done"
    print(f"{what}: {answer.error or status}")


async def web_frontend(me):
    """Promises one page to d2, and one that d2 may only read."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": TABLE})
    me.write(TABLE * PAGE + 42 * ROW.size, ROW.pack(PERMIT, 2, OFFERED))
    me.write(TABLE * PAGE + 43 * ROW.size, ROW.pack(PERMIT | READ_ONLY, 2, OFFERED + 1))
    me.write(OFFERED * PAGE, b"who is there?")


async def map_of(me, ref: int, at: int, flags="GNTMAP_host_map", domain: int = 1):
    """Ask for a mapping."""
    return await me.hypercall("grant_table_op", "map_grant_ref", {
        "host_addr": at * PAGE, "flags": flags, "ref": ref, "dom": domain}, 1)


async def copy_of(me, source: int, flags=0, domain: int = 1):
    """Ask for a copy into its own frame 0x300."""
    return await me.hypercall("grant_table_op", "copy", {
        "source": source, "source_domid": domain, "dest": 0x300, "dest_domid": "DOMID_SELF",
        "len": 13, "flags": flags}, 1)


async def stranger(me):
    """d3, to whom nothing was promised."""
    print("== stranger")
    print(f"read the frame of that number: '{me.read(OFFERED * PAGE, 13).decode()}', its own")
    try:
        me.read(0x500 * PAGE, 1)
    except NoSuchMemory:
        print("read a number beyond its memory: nothing is there")
    for at, number in enumerate((OFFERED, HOLE)):
        me.write(0x100000 + 0x100 * at, number.to_bytes(8, "little"))
    await me.hypercall("memory_op", ADD_BATCH, struct.pack(
        "<4H3Q", SELF, FOREIGN, 1, 1, 0x100000, 0x100100, 0x100200))
    error = -int.from_bytes(me.read(0x100200, 4), "little", signed=True)
    print(f"place d1's frame in its map: {errno.errorcode[error]}")
    say("copy d1's frame by its number", await copy_of(me, OFFERED))
    say("map reference 42, promised to d2", await map_of(me, 42, HOLE))
    say("copy from reference 42", await copy_of(me, 42, "GNTCOPY_source_gref"))
    say("map reference 44, which nobody wrote", await map_of(me, 44, HOLE))
    say("map reference 512, beyond the table", await map_of(me, 512, HOLE))
    say("see d1's table in its map", await me.hypercall("memory_op", "add_to_physmap", {
        "domid": 1, "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": HOLE}))
    say("take d1 apart", await me.hypercall("domctl", "destroydomain", {"domain": 1}))


async def holder(me):
    """d2, who has two promises and wants more."""
    print("== holder")
    say("map reference 43, which is to be read only, to write", await map_of(me, 43, HOLE))
    say("map reference 43 to read", await map_of(me, 43, HOLE, 2 | 4))
    say("map reference 42 to write", await map_of(me, 42, HOLE + 1))
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": TABLE})
    me.write(TABLE * PAGE + 8 * ROW.size, ROW.pack(PERMIT, 3, HOLE + 1))
    say("place it a second time in its own map", await me.hypercall(
        "memory_op", "add_to_physmap",
        {"domid": "DOMID_SELF", "space": GMFN, "idx": HOLE + 1, "gpfn": HOLE + 2}))


async def friend(me):
    """d3 again, whom d2 has promised what is d1's."""
    say("d3 maps what d2 passes on to it", await map_of(me, 8, HOLE, domain=2))


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    for name in ("web_frontend", "db_primary", "build_runner"):
        hv.create(name)
    hv.domains[3].write(OFFERED * PAGE, b"other numbers")
    hv.run(web_frontend=web_frontend)
    hv.run(build_runner=stranger)
    hv.run(db_primary=holder)
    hv.run(build_runner=friend)
