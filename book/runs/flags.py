# One row, mapped to read and mapped to write, given back one by one; and as often as it goes.
import struct

import pyhv

PAGE, ROW, TABLE, HOLE = 4096, struct.Struct("<HHI"), 0x10000, 0x20000
READ_ONLY = 2 | 4  # GNTMAP_host_map, GNTMAP_readonly


async def web_frontend(me):
    """Promises one page to d2."""
    await me.hypercall("memory_op", "add_to_physmap", {
        "domid": "DOMID_SELF", "space": "XENMAPSPACE_grant_table", "idx": 0, "gpfn": TABLE})
    me.write(TABLE * PAGE + 42 * ROW.size, ROW.pack(1, 2, 0x205))


async def db_primary(me):
    """Maps it in two ways."""
    def show(what: str) -> None:
        flags = hv.domains[1].read(TABLE * PAGE + 42 * ROW.size, 2)
        print(f"{what}: {int.from_bytes(flags, 'little'):#x}")

    async def map_at(gfn: int, flags: int):
        return await me.hypercall("grant_table_op", "map_grant_ref", {
            "host_addr": gfn * PAGE, "flags": flags, "ref": 42, "dom": 1}, 1)

    async def unmap(gfn: int, handle: int):
        await me.hypercall("grant_table_op", "unmap_grant_ref",
                           {"host_addr": gfn * PAGE, "handle": handle}, 1)

    show("promised")
    reads = await map_at(HOLE, READ_ONLY)
    show("mapped to read")
    writes = await map_at(HOLE + 1, 2)
    show("and to write")
    await unmap(HOLE + 1, writes.handle)
    show("the second given back")
    await unmap(HOLE, reads.handle)
    show("and the first")
    for what, flags in (("to read", READ_ONLY), ("to write", 2)):
        count = 0
        while (await map_at(HOLE + 0x1000 * flags + count, flags)).status == 0:
            count += 1
        print(f"mapped {what}, times: {count}")


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    hv.create("web_frontend")
    hv.create("db_primary")
    hv.run(web_frontend=web_frontend)
    hv.run(db_primary=db_primary)
