# Six reasons for which nobody answers, and all that the one who waits can find out.
import pyhv

SECOND, PORT = 1_000_000_000, 1
OFFER = {"dom": "DOMID_SELF", "remote_dom": 2}


async def asks(me):
    """Ring, wait a second, and ask what the port is."""
    rung = await me.hypercall("event_channel_op", "send", {"port": PORT})
    me.write(0, PORT.to_bytes(4, "little"))
    end = hv.now + SECOND
    await me.hypercall("sched_op", "poll", {"ports": 0, "nr_ports": 1, "timeout": end})
    heard = hv.now < end
    status = await me.hypercall("event_channel_op", "status", {"dom": "DOMID_SELF", "port": PORT})
    return int(rung), heard, names[status.status]


async def offers(me):
    await me.hypercall("event_channel_op", "alloc_unbound", OFFER)


async def joins(me):
    await me.hypercall("event_channel_op", "bind_interdomain", {"remote_dom": 1, "remote_port": 1})


async def answers(me):
    await me.hypercall("event_channel_op", "send", {"port": PORT})


async def computes(me):
    while hv.now < busy_until:
        await me.hypercall("sched_op", "yield")
    await me.hypercall("event_channel_op", "send", {"port": PORT})


async def closes(me):
    await me.hypercall("event_channel_op", "close", {"port": PORT})


async def crashes(me):
    await me.hypercall("sched_op", "shutdown", {"reason": "SHUTDOWN_crash"})


SILENCES = {
    "answers at once": lambda: {"back": answers},
    "is busy, and will answer late": lambda: {"back": computes},
    "is held by dom0": lambda: hv.domains["back"].pause() or {},
    "sleeps, having lost the ring": lambda: {},
    "has closed its end": lambda: hv.run(back=closes) and {},
    "has crashed, and is kept": lambda: hv.run(back=crashes) and {},
    "is gone": lambda: hv.domains["back"].destroy() or {},
    "has not come yet": lambda: {},
}

for why, make in SILENCES.items():
    with pyhv.hosted(seed=1, cpus=2, memory=64) as hv:
        names = {hv.constant(f"EVTCHNSTAT_{name}"): name
                 for name in ("closed", "unbound", "interdomain")}
        busy_until = 3 * SECOND
        hv.create("front")
        hv.create("back")
        hv.run(front=offers)
        if why != "has not come yet":
            hv.run(back=joins)
        guests = make()
        rung, heard, status = hv.run(front=asks, **guests)["front"]
        print(f"the other {why:30} rung: {rung}   {'heard' if heard else 'silence':8} {status}")
