# The lab's guests: five functions, each of which wants something of the hypervisor.
"""Five guests of the chapter *domains*, each handed `me`: its memory, and the way to its host."""


async def name_your_host(me) -> tuple[int, int]:
    """Return which version of Xen's interface the hypervisor speaks: (major, minor)."""
    version = await me.hypercall("xen_version", "version")
    return version >> 16, version & 0xFFFF


async def breathe_out(me, first: int, count: int) -> int:
    """Give the machine `count` pages of your memory back, from guest frame `first` on.

    One hypercall is enough. Return how many pages it says went.
    """
    frames = b"".join((first + i).to_bytes(8, "little") for i in range(count))
    me.write(0, frames)
    return await me.hypercall("memory_op", "decrease_reservation", {
        "extent_start": 0, "nr_extents": count, "domid": "DOMID_SELF"})


async def breathe_in(me, first: int, count: int) -> bytes:
    """Ask for those pages again, and return the first 16 bytes of the last of them."""
    frames = b"".join((first + i).to_bytes(8, "little") for i in range(count))
    me.write(0, frames)
    await me.hypercall("memory_op", "populate_physmap", {
        "extent_start": 0, "nr_extents": count, "domid": "DOMID_SELF"})
    return me.read((first + count - 1) * 4096, 16)


async def reach_too_far(me, other: int) -> str:
    """Try to pause domain `other`, as if you were its toolstack. Return the refusal's name."""
    answer = await me.hypercall("domctl", "pausedomain", {"domain": other})
    return answer.error


async def crash_politely(me) -> None:
    """End your own domain so that whoever looks finds it crashed."""
    await me.hypercall("sched_op", "shutdown", {"reason": "SHUTDOWN_crash"})
