# Forty promises, three of which are never given back: who holds them, and since when.
import struct

import pyhv

PAGE, ROW = 4096, struct.Struct("<HHI")  # grant_entry_v1, in xen/grant_table.h
TABLE, HOLE, FIRST_PAGE = 0x10000, 0x20000, 0x100
REFS, LOST = range(20, 60), {21, 42, 58}


async def web_frontend(me):
    """Shows itself its table, and promises forty pages to d2."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": TABLE})
    for ref in REFS:
        me.write(TABLE * PAGE + ref * ROW.size, ROW.pack(1, 2, FIRST_PAGE + ref))


async def db_primary(me):
    """Maps one after the other, and gives each back but those that it loses."""
    for ref in REFS:
        wish = {"host_addr": (HOLE + ref) * PAGE, "flags": "GNTMAP_host_map", "ref": ref, "dom": 1}
        mapped = await me.hypercall("grant_table_op", "map_grant_ref", wish, 1)
        if ref not in LOST:
            wish = {"host_addr": (HOLE + ref) * PAGE, "handle": mapped.handle}
            await me.hypercall("grant_table_op", "unmap_grant_ref", wish, 1)


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    hv.create("web_frontend")
    hv.create("db_primary")
    with hv.trace("grants", "promises") as trace:
        hv.run(web_frontend=web_frontend)
        hv.run(db_primary=db_primary)
    since = {}
    for event in trace.of("grant_mapped", "grant_unmapped").events:
        who = (event.fields["domain"], event.fields["owner"], event.fields["ref"])
        if event.name == "grant_mapped":
            since[who] = event.time
        else:
            del since[who]
    for (holder, owner, ref), when in sorted(since.items(), key=lambda item: item[1]):
        print(f"d{holder} has d{owner}'s reference {ref}, for {(hv.now - when) // 1000} µs")
