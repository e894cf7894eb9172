# One guest tells another a frame number; the other tries to see the page by it.
import errno
import struct

import pyhv

PAGE, GFN = 4096, 0x205
# xen/memory.h: an operation and a space; xen/grant_table.h: what a copy may answer
ADD_BATCH, FOREIGN, SELF = 23, 4, 0x7FF0
PERMISSION_DENIED = -8
LISTS = 0x100000


async def db_primary(me):
    print(f"d2 looks at its own frame {GFN:#x}: '{me.read(GFN * PAGE, 14).decode()}'")

    for at, number in enumerate((GFN, 0x400)):
        me.write(LISTS + 0x100 * at, number.to_bytes(8, "little"))
    await me.hypercall("memory_op", ADD_BATCH, struct.pack(
        "<4H3Q", SELF, FOREIGN, 1, 1, LISTS, LISTS + 0x100, LISTS + 0x200))
    error = -int.from_bytes(me.read(LISTS + 0x200, 4), "little", signed=True)
    print(f"d2 asks to have d1's frame {GFN:#x} in its own map: {errno.errorcode[error]}")

    answer = await me.hypercall("grant_table_op", "copy", {
        "source": GFN, "source_domid": 1, "dest": 0x300, "dest_domid": "DOMID_SELF", "len": 14}, 1)
    refused = answer.status == PERMISSION_DENIED
    print(f"d2 asks for a copy of d1's frame {GFN:#x}: "
          + ("permission denied" if refused else str(answer.status)))


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    hv.create("web_frontend").write(GFN * PAGE, b"who is there?")
    hv.create("db_primary").write(GFN * PAGE, b"rows and rows.")
    print(f"d1 tells d2: look at frame {GFN:#x}, there is a question in it")
    hv.run(db_primary=db_primary)
