# A domain is held while it is rung 1,000 times: what a counter, a letter box and a bit keep of it.
import pyhv

RINGS, SHARED, PORT = 1000, 0x400000, 1
COUNTER_BITS, LETTER, BOX = 8, 8, 4096  # of the two designs that are only imagined


async def listener(me):
    """Offer a port, and count how often a ring wakes it."""
    await me.hypercall("memory_op", "add_to_physmap",
                       {"domid": "DOMID_SELF", "space": 0, "gpfn": SHARED >> 12})
    await me.hypercall("event_channel_op", "alloc_unbound", {"dom": "DOMID_SELF", "remote_dom": 2})
    me.write(0, PORT.to_bytes(4, "little"))
    while True:
        await me.hypercall("sched_op", "poll", {"ports": 0, "nr_ports": 1})
        me.write(SHARED + 2048, bytes(8))
        woken.append(hv.now)


async def ringer(me):
    """Ring as often as it likes: nothing that the other does can stop it."""
    await me.hypercall("event_channel_op", "bind_interdomain", {"remote_dom": 1, "remote_port": 1})
    for number in range(RINGS):
        answers.append(await me.hypercall("event_channel_op", "send", {"port": PORT}))


woken: list[int] = []
answers: list[int] = []
with pyhv.hosted(seed=1, cpus=2, memory=64) as hv:
    hv.run(listener)
    hv.domains["listener"].pause()
    hv.run(ringer)
    bit = hv.domains["listener"].read(SHARED + 2048, 1)[0] >> PORT & 1
    woken.clear()
    hv.domains["listener"].unpause()
    hv.run()

print(f"rings while d1 was held: {len(answers)}")
print(f"of these refused: {sum(answer < 0 for answer in answers)}")
print(f"a counter of {COUNTER_BITS} bits would say: {RINGS % (1 << COUNTER_BITS)}")
print(f"a page of letters would hold: {BOX // LETTER}")
print(f"letters that it would have no room for: {RINGS - BOX // LETTER}")
print(f"the bit: {bit}")
print(f"times that d1 woke: {len(woken)}")
