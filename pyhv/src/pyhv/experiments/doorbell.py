# A scenario for `hv record`: one guest sleeps at its door, and another rings.
"""Two guests meet at an event channel."""


async def web(me):
    """Offer a port to whoever is d2, and sleep until it is rung."""
    offer = {"dom": "DOMID_SELF", "remote_dom": 2}
    port = (await me.hypercall("event_channel_op", "alloc_unbound", offer)).port
    me.write(0, port.to_bytes(4, "little"))
    await me.hypercall("sched_op", "poll", {"ports": 0, "nr_ports": 1})


async def visitor(me):
    """Bind that port, and ring it."""
    door = {"remote_dom": 1, "remote_port": 1}
    port = (await me.hypercall("event_channel_op", "bind_interdomain", door)).local_port
    await me.hypercall("event_channel_op", "send", {"port": port})


def run(hv):
    """Let the two meet."""
    hv.run(web)
    hv.run(visitor)
