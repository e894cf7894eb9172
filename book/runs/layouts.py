# The same four rings, found by a guest in each of the two layouts: levels of bits, and queues.
import struct

import pyhv

PORTS, MASKED = 300, 71
INIT_CONTROL, EXPAND_ARRAY, SET_PRIORITY = 11, 12, 13  # xen/event_channel.h
SHARED, CONTROL, WORDS = 0x400000, 0x300, 0x301  # shared_info's address; two frames of the guest's
PENDING, LINK = 1 << 31, (1 << 17) - 1
HIGH, LOW = 2, 12


async def ask(me, operation, **fields):
    """Ask for something about ports."""
    return await me.hypercall("event_channel_op", operation, fields)


def words(me, at: int, count: int) -> list[int]:
    """Return words of 64 bits."""
    return list(struct.unpack(f"<{count}Q", me.read(at, 8 * count)))


def ones(word: int) -> list[int]:
    """Return which bits are set."""
    return [bit for bit in range(64) if word >> bit & 1]


async def levels(me):
    """Ring four of many ports, and find them as a guest does."""
    await me.hypercall("memory_op", "add_to_physmap",
                       {"domid": "DOMID_SELF", "space": 0, "gpfn": SHARED >> 12})
    for _ in range(PORTS):
        await ask(me, "bind_ipi", vcpu=0)
    me.write(SHARED + 2560 + MASKED // 8, bytes([1 << MASKED % 8]))
    for port in (300, 71, 70, 5):
        await ask(me, "send", port=port)
    print("== levels")
    selector, pending, mask = words(me, SHARED + 8, 1)[0], *(
        words(me, SHARED + at, 64) for at in (2048, 2560))
    print(f"vcpu_info says that events wait: {me.read(SHARED, 1)[0]}")
    print(f"selector's bits: {' '.join(map(str, ones(selector)))}")
    found = []
    for word in ones(selector):
        bits = ones(pending[word] & ~mask[word])
        print(f"word {word}, pending and not masked, bits: {' '.join(map(str, bits))}")
        found += [64 * word + bit for bit in bits]
    behind = [64 * at + bit for at, word in enumerate(pending) for bit in ones(word & mask[at])]
    print(f"masked, and pending: {' '.join(map(str, behind))}")
    print(f"ports in the order found: {' '.join(map(str, found))}")
    print(f"words read: {1 + 2 * len(ones(selector))}")


async def queues(me):
    """Ring four ports of two priorities, and take them out of their queues."""
    await me.hypercall("event_channel_op", INIT_CONTROL,
                       struct.pack("<QIIB7x", CONTROL, 0, 0, 0))
    await me.hypercall("event_channel_op", EXPAND_ARRAY, struct.pack("<Q", WORDS))
    for port, priority in ((1, LOW), (2, LOW), (3, HIGH), (4, HIGH)):
        await ask(me, "bind_ipi", vcpu=0)
        await me.hypercall("event_channel_op", SET_PRIORITY, struct.pack("<II", port, priority))
    for port in (2, 4, 1, 3):
        await ask(me, "send", port=port)
    print("== queues")
    ready, = struct.unpack("<I", me.read(CONTROL << 12, 4))
    heads = struct.unpack("<16I", me.read((CONTROL << 12) + 8, 64))
    print(f"ready, by priority: {' '.join(map(str, ones(ready)))}")
    found = []
    for priority in ones(ready):
        port, way = heads[priority], []
        while port:
            way.append(port)
            port = struct.unpack("<I", me.read((WORDS << 12) + 4 * port, 4))[0] & LINK
        print(f"queue {priority}: {' -> '.join(map(str, way))}")
        found += way
    print("rung in the order: 2 4 1 3")
    print(f"ports in the order found: {' '.join(map(str, found))}")


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    hv.run(levels=levels)
    hv.run(queues=queues)
