# Who may ring whose port, and what a port may be bound to.
import pyhv


def say(what: str, answer, *fields: str) -> None:
    """Print a question, and what came of it."""
    found = ", ".join(f"{name} {getattr(answer, name)}" for name in fields)
    print(f"{what}: {answer.error or found or int(answer)}")


async def ask(me, operation: str, **fields):
    """Ask for something about ports."""
    return await me.hypercall("event_channel_op", operation, fields)


async def owner(me):
    print("== offered")
    say("d1 offers a port to d2", await ask(me, "alloc_unbound", dom="DOMID_SELF", remote_dom=2),
        "port")
    say("d1 rings it, before anybody came", await ask(me, "send", port=1))


async def stranger(me):
    say("d3 would join it", await ask(me, "bind_interdomain", remote_dom=1, remote_port=1))
    say("d3 rings its own port 1, which it does not have", await ask(me, "send", port=1))


async def guest(me):
    say("d2 joins it", await ask(me, "bind_interdomain", remote_dom=1, remote_port=1),
        "local_port")
    say("d2 would join it a second time", await ask(me, "bind_interdomain", remote_dom=1,
                                                    remote_port=1))
    say("d2 rings", await ask(me, "send", port=1))


async def inward(me):
    print("== inward")
    timer = hv.constant("VIRQ_TIMER")
    say("d1 has its timer at a port", await ask(me, "bind_virq", virq=timer, vcpu=0), "port")
    say("a second time", await ask(me, "bind_virq", virq=timer, vcpu=0))
    say("for a vCPU that it does not have", await ask(me, "bind_virq", virq=timer, vcpu=7))
    say("d1 has a port to ring itself by", await ask(me, "bind_ipi", vcpu=0), "port")
    say("d1 rings it", await ask(me, "send", port=3))
    say("d1 rings its timer's", await ask(me, "send", port=2))
    pirq = await me.hypercall("event_channel_op", 2, bytes(12))  # EVTCHNOP_bind_pirq
    say("d1 would have a device's interrupt", pirq)


with pyhv.hosted(seed=1, cpus=1, memory=64) as hv:
    for name in ("owner", "guest", "stranger"):
        hv.create(name)
    hv.run(owner=owner)
    hv.run(stranger=stranger)
    hv.run(guest=guest)
    hv.run(owner=inward)
