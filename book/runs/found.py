# Forty promises, one of which is never given back: what its owner does next, and who can find it.
import struct
from collections import Counter

import pyhv

PAGE, ROW = 4096, struct.Struct("<HHI")  # grant_entry_v1, in xen/grant_table.h
TABLE, HOLE, FIRST_PAGE = 0x10000, 0x20000, 0x100
REFS, LOST = range(20, 60), 42
PERMIT, USED = 1, 8 | 16


async def offer(me):
    """Shows itself its table, and promises forty pages to d2."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": TABLE})
    for ref in REFS:
        me.write(TABLE * PAGE + ref * ROW.size, ROW.pack(PERMIT, 2, FIRST_PAGE + ref))


async def use(me):
    """Maps all of them; gives all back but one, whose handle it has lost."""
    handles = {}
    for ref in REFS:
        answer = await me.hypercall("grant_table_op", "map_grant_ref", {
            "host_addr": (HOLE + ref) * PAGE, "flags": "GNTMAP_host_map", "ref": ref, "dom": 1}, 1)
        handles[ref] = answer.handle
    del handles[LOST]
    for ref, handle in handles.items():
        await me.hypercall("grant_table_op", "unmap_grant_ref", {
            "host_addr": (HOLE + ref) * PAGE, "handle": handle}, 1)


def reuse(hv, careful: bool) -> int:
    """Have d1 keep a secret in each page that it has back; return how many it puts aside."""
    aside = 0
    for ref in REFS:
        at = TABLE * PAGE + ref * ROW.size
        flags, _, gfn = ROW.unpack(hv.domains[1].read(at, ROW.size))
        if careful and flags & USED:
            aside += 1
            continue
        if careful:
            hv.domains[1].write(at, bytes(2))
        hv.domains[1].write(gfn * PAGE, b"a secret")
    return aside


def secrets_seen(hv) -> int:
    """Return in how many of its frames d2 finds one."""
    seen = 0
    for ref in REFS:
        if hv.domains[2].p2m.walk((HOLE + ref) * PAGE).mpa is not None:
            seen += hv.domains[2].read((HOLE + ref) * PAGE, 8) == b"a secret"
    return seen


def still_held(events) -> dict[tuple[int, int, int], int]:
    """Return who holds whose reference, and how often: mapped, less given back."""
    held = Counter()
    for event in events:
        who = (event.fields["domain"], event.fields["owner"], event.fields["ref"])
        held[who] += 1 if event.name == "grant_mapped" else -1
    return {who: count for who, count in held.items() if count}


for careful in (False, True):
    with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
        hv.create("web_frontend")
        hv.create("db_primary")
        with hv.trace("grants", "promises") as trace:
            hv.run(web_frontend=offer)
            hv.run(db_primary=use)
        aside = reuse(hv, careful)
        how = "with a look at the row" if careful else "as soon as the answer is there"
        if not careful:
            events = trace.of("grant_mapped", "grant_unmapped").events
            print("== query")
            print(f"events of the forty promises: {len(events)}")
            for (holder, owner, ref), count in still_held(events).items():
                print(f"d{holder} has {count} mapping of d{owner}'s reference {ref}")
            print("== sum")
            print(f"mapped: {len(trace.of('grant_mapped').events)}")
            print(f"given back: {len(trace.of('grant_unmapped').events)}")
            print("== prevented")
        print(f"{how}, pages used anew: {len(REFS) - aside}")
        print(f"{how}, secrets that d2 reads: {secrets_seen(hv)}")
