# dom0 still maps one page of a domain that dies.
import struct

import pyhv

LISTS = 0x180000  # in dom0's memory: what its hypercall takes
# xen/memory.h: two operations, a space, and who asks
ADD_BATCH, REMOVE, FOREIGN, SELF = 23, 15, 4, 0x7ff0
THEIRS, OURS = 5, 0x300  # the page's number there, and where dom0 will see it


def show(hv, when: str) -> None:
    """Print what dom0 sees of the domain."""
    print(f"{when}: d1 is {hv.domains[1].state if 1 in hv.domains else 'gone'}")


def said(hv) -> None:
    """Print what the hypervisor said last."""
    print(hv.trace.tell().splitlines()[-1])


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    web = hv.create("web", memory=4)
    web.write(THEIRS << 12, b"a secret of d1's")
    for at, number in enumerate((THEIRS, OURS)):
        hv.domains[0].write(LISTS + 0x100 * at, number.to_bytes(8, "little"))
    hv.toolstack("memory_op", ADD_BATCH, struct.pack(
        "<4H3Q", SELF, FOREIGN, 1, web.id, LISTS, LISTS + 0x100, LISTS + 0x200))
    web.destroy()
    show(hv, "after destroy")
    said(hv)
    print("dom0 reads:", hv.domains[0].read(OURS << 12, 16).decode())
    hv.toolstack("memory_op", REMOVE, struct.pack("<H6xQ", SELF, OURS))
    show(hv, "after dom0 let go")
    said(hv)
