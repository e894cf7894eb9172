# The life of row 42, from the bytes that its guest writes to the word that takes it back.
import struct

import pyhv

PAGE, ROW = 4096, struct.Struct("<HHI")  # grant_entry_v1, in xen/grant_table.h
TABLE, OFFERED, HOLE = 0x10000, 0x44C0A, 0x20000
GRANTS = 0  # a table's first frame: XENMAPSPACE_grant_table counts from here
PERMIT, READ_ONLY, USED = 1, 4, 8 | 16
# For dom0, as a guest's drivers would have it; and the one that this chapter follows
OTHERS = {9: (0, PERMIT, 0x3A9F1), 10: (0, PERMIT | READ_ONLY, 0x3A9F2), 11: (0, PERMIT, 0x3B004)}


def row(hv, ref: int) -> tuple[int, int, int]:
    """Return what a row says: flags, domain, frame."""
    return ROW.unpack(hv.domains[1].read(TABLE * PAGE + ref * ROW.size, ROW.size))


def show(hv, when: str) -> None:
    """Print row 42 as its guest reads it now."""
    flags, _, _ = row(hv, 42)
    use = {0: "nobody has it", 8: "somebody may read it", 24: "somebody may read and write it"}
    print(f"{when}: flags {flags:#06x}, {use[flags & USED]}")


def write_row(me, ref: int, domain: int, flags: int, frame: int) -> None:
    """Write the frame and the domain first, and the flags last."""
    at = TABLE * PAGE + ref * ROW.size
    me.write(at + 2, ROW.pack(0, domain, frame)[2:])
    me.write(at, flags.to_bytes(2, "little"))


async def web_frontend(me):
    """Shows itself its table, and promises four pages."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": GRANTS, "gpfn": TABLE})
    for ref, (domain, flags, frame) in OTHERS.items():
        write_row(me, ref, domain, flags, frame)
    me.write(OFFERED * PAGE, b"who is there?")
    asked = me.domain.hypercalls
    write_row(me, 42, 2, PERMIT, OFFERED)
    print("== offer")
    print("row 42, its bytes:", me.read(TABLE * PAGE + 42 * ROW.size, ROW.size).hex(" "))
    print(f"hypercalls for that: {me.domain.hypercalls - asked}")


async def map_it(me):
    """Maps what row 42 promises, and writes an answer into it."""
    answer = await me.hypercall("grant_table_op", "map_grant_ref", {
        "host_addr": HOLE * PAGE, "flags": "GNTMAP_host_map", "ref": 42, "dom": 1}, 1)
    print(f"d2 maps reference 42 of d1: status {answer.status}, handle {answer.handle}")
    me.write(HOLE * PAGE + 100, b"your neighbour")
    return answer.handle


async def give_back(me):
    """Unmaps it."""
    answer = await me.hypercall("grant_table_op", "unmap_grant_ref", {
        "host_addr": HOLE * PAGE, "handle": 0}, 1)
    print(f"d2 gives handle 0 back: status {answer.status}")


async def try_again(me):
    """Maps once more, when it is too late."""
    answer = await me.hypercall("grant_table_op", "map_grant_ref", {
        "host_addr": HOLE * PAGE, "flags": "GNTMAP_host_map", "ref": 42, "dom": 1}, 1)
    print(f"d2 maps reference 42 of d1: status {answer.status}")


async def take_back(me):
    """Puts zero in the place of exactly what it wrote there itself."""
    taken = me.compare_exchange(TABLE * PAGE + 42 * ROW.size,
                                PERMIT.to_bytes(2, "little"), bytes(2))
    print(f"d1 takes row 42 back: {'done' if taken else 'not while it is in use'}")


def views(hv) -> None:
    """Print how both come to the page, and what they find in it."""
    for number, gfn in ((1, OFFERED), (2, HOLE)):
        domain = hv.domains[number]
        frame = domain.p2m.walk(gfn * PAGE).mpa // PAGE
        words = (domain.read(gfn * PAGE + at, 14).decode().strip("\0") for at in (0, 100))
        print(f"d{number}, frame {gfn:#x}, leads to {frame:#x}: {' / '.join(words)}")


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    hv.create("web_frontend")
    hv.create("db_primary")
    # Four pages more for d1, at the numbers that this book gives them
    hv.toolstack("domctl", "max_mem", {"domain": 1, "max_memkb": 4112})
    numbers = [OFFERED, *(frame for _, _, frame in OTHERS.values())]
    hv.domains[0].write(0x180000, struct.pack(f"<{len(numbers)}Q", *numbers))
    hv.toolstack("memory_op", "populate_physmap", {
        "extent_start": 0x180000, "nr_extents": len(numbers), "domid": 1})
    hv.run(web_frontend=web_frontend)
    print("== mapped")
    show(hv, "offered")
    hv.run(db_primary=map_it)
    show(hv, "mapped")
    print("== views")
    views(hv)
    print("== table")
    for ref in (*OTHERS, 42):
        flags, domain, frame = row(hv, ref)
        print(f"{ref:>3}  d{domain}  {'ro' if flags & READ_ONLY else 'rw'}  {frame:#x}  "
              f"{'in use' if flags & USED else 'offered'}")
    print("== back")
    hv.run(web_frontend=take_back)
    hv.run(db_primary=give_back)
    show(hv, "given back")
    hv.run(web_frontend=take_back)
    hv.run(db_primary=try_again)
