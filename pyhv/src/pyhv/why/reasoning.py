# Who owes the next move: by the handshake's table, then by the ring and its bell.
"""The reasoning behind `hv why`, without a machine."""

from dataclasses import dataclass

from pyhv.why.situation import GONE, Device, End, Ring, Situation, state_name

INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED = 2, 3, 4, 5, 6
MOST_UNANSWERED = 512
"""More requests than slots of 8 bytes fit into a page: no ring has them."""


@dataclass(frozen=True)
class Owed:
    """Who owes the next move: "the frontend in d2", "the toolstack", "nobody"; and the sentence."""

    who: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


def owes(what: Situation | Device) -> Owed:
    """Return who owes the next move in a device, or in a domain's own life.

    >>> from pyhv.why import Device, End
    >>> device = Device("vbd", "51712", End("frontend", 2, 3), End("backend", 1, 3))
    >>> print(owes(device))
    The backend in d1 owes the next move: the frontend has shown its ring and its bell, and waits \
politely; 3 (Initialised) must become 4 (Connected).
    """
    return _life(what) if isinstance(what, Situation) else _device(what)


def _move(end: End, what: str) -> Owed:
    """Say that one end owes something, unless its domain cannot move: then somebody else does."""
    held = {
        "paused": ("whoever paused it", f"d{end.domain} is paused: {end} cannot do its part until "
                                        "it is let go on"),
        "crashed": ("the toolstack", f"d{end.domain} crashed, and {end} will never do its part: it "
                                     "is kept to be looked at, and must be destroyed"),
        "shut down": ("the toolstack", f"d{end.domain} has shut down, and {end} will never do its "
                                       "part: it must be destroyed"),
        "dying": ("the toolstack", f"d{end.domain} is dying, and {end} will never do its part"),
    }.get(end.life)
    if held:
        return Owed(held[0], f"{_capital(held[0])} owes the next move: {held[1]}. Then: {what}.")
    return Owed(str(end), f"{_capital(str(end))} owes the next move: {what}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _life(it: Situation) -> Owed:
    name = f"d{it.domain}"
    if it.life == "dying":
        return _last_page(it)
    if it.life == "paused":
        return Owed("whoever paused it", f"Whoever paused {name} owes the next move: its vCPUs "
                                         "stand between two instructions until it is unpaused.")
    if it.life in ("crashed", "shut down"):
        return Owed("the toolstack", f"The toolstack owes the next move: {name} is {it.life}, and "
                                     "stays until it is destroyed.")
    if it.waiting:
        port = it.waiting[0]
        return Owed(name, f"{name} owes the next move: port {port.port} ({port.bound_to}) is "
                          "pending and not masked, so that its vCPU has been told.")
    if it.vcpus and all(each in ("blocked", "down") for each in it.vcpus):
        return Owed("nobody", f"Nobody owes {name} anything that I know of: its vCPUs sleep, and "
                              "no bell waits to be heard.")
    return Owed(name, f"{name} goes on: it has a vCPU that wants to run.")


def _last_page(it: Situation) -> Owed:
    if not it.held:
        return Owed("the toolstack", f"The toolstack owes the next move: d{it.domain} is dying, "
                                     "and no guest's mark says that a page of it is still held.")
    grant = it.held[0]
    more = f", and {len(it.held) - 1} more" if len(it.held) > 1 else ""
    who = f"d{grant.grantee}"
    return Owed(who, f"{who} owes the next move: d{it.domain} is dead but for what is still held "
                     f"of it, reference {grant.ref}, page {grant.frame:#x}, {grant.held}{more}. "
                     f"{who} must unmap it; destroying {who} does that, too.")


def _device(it: Device) -> Owed:
    front, back = it.front, it.back
    for lost, left in ((front, back), (back, front)):
        if lost.life == GONE or lost.state is None:
            return _alone(lost, left)
    if front.state >= CLOSING or back.state >= CLOSING:  # type: ignore[operator]
        return _closing(it)
    return _handshake(it) or _connected(it)


def _alone(lost: End, left: End) -> Owed:
    if left.life == GONE or left.state is None:
        return Owed("nobody", "Nobody owes anything: neither end is there any more.")
    said = f"d{lost.domain} is gone" if lost.life == GONE else f"{lost} says nothing in the store"
    if lost.life != GONE and left.state < CONNECTED:
        return Owed("the toolstack", f"The toolstack owes the next move: {said}, so that {left}, "
                                     f"at {state_name(left.state)}, has nobody to meet.")
    if left.state == CLOSED:
        return Owed("the toolstack", f"The toolstack owes the next move: {said}, and {left} has "
                                     "closed: what is left of the device can be removed.")
    return _move(left, f"{said}, so it must let go of what it holds of it, and close, from "
                       f"{state_name(left.state)} to 6 (Closed)")


def _closing(it: Device) -> Owed:
    front, back = it.front, it.back
    if front.state == back.state == CLOSED:
        held = [ring.grant for ring in it.rings if ring.grant and ring.grant.held]
        if held:
            return _move(back, f"both ends are closed, and it still holds the page of reference "
                               f"{held[0].ref}: it must unmap it")
        return Owed("nobody", "Nobody owes anything: both ends are closed, and no page is held.")
    # Who is less far owes; at 5 and 5 the frontend lets go first
    last = front if front.state <= back.state else back  # type: ignore[operator]
    other = back if last is front else front
    return _move(last, f"{other} is at {state_name(other.state)}, so it must close, too, from "
                       f"{state_name(last.state)}")


def _handshake(it: Device) -> Owed | None:
    """Return who owes a step on the way to 4 and 4; None where both are there."""
    front, back = it.front, it.back
    f, b = front.state or 0, back.state or 0
    if f == b == CONNECTED:
        return None
    if b < INIT_WAIT and f < CONNECTED:
        return _move(back, f"it has not begun, at {state_name(b)}; it must say 2 (InitWait), if "
                           "anybody serves it at all")
    if f < INITIALISED and b < CONNECTED:
        return _move(front, f"the backend waits for it at {state_name(b)}; from {state_name(f)} it "
                            "must show a ring and a bell, and say 3 (Initialised)")
    if b < CONNECTED:
        return _move(back, "the frontend has shown its ring and its bell, and waits politely; "
                           f"{state_name(b)} must become 4 (Connected)")
    return _move(front, f"the backend is connected; {state_name(f)} must become 4 (Connected)")


def _connected(it: Device) -> Owed:
    for end, other in ((it.front, it.back), (it.back, it.front)):
        if end.port is None or end.port.state != "interdomain":
            state = "no port" if end.port is None else f"an {end.port.state} port"
            return _move(other, f"{end} has {state}, so that nobody hears whom it rings: "
                                "the bell must be bound anew")
    for ring in it.rings:
        if (found := _ring(it, ring)) is not None:
            return found
    return Owed("nobody", "Nobody owes anything: both ends are connected, every request that I can "
                          "see has its answer, and every answer was seen.")


def _ring(it: Device, ring: Ring) -> Owed | None:
    if ring.grant is None:
        return _move(it.front, f"reference {ring.ref} is no promise of its own any more, so that "
                               "there is no ring")
    if not ring.grant.held:
        return _move(it.back, f"it says that it is connected, and does not hold the ring's page, "
                              f"reference {ring.ref}")
    if ring.unanswered is None:
        return None
    if ring.unanswered > MOST_UNANSWERED:
        return _move(it.back, f"{ring} is no ring's state: one index ran away, and it must close")
    if ring.responses_unseen:
        return _unheard(it.front, it.back, "answers wait up to", ring.rsp_prod, ring.rsp_event)
    if ring.requests_unseen and ring.unanswered:
        return _unheard(it.back, it.front, "requests wait up to", ring.req_prod, ring.req_event)
    if ring.unanswered:
        return _move(it.back, f"it has seen the requests up to {ring.req_prod}, and has answered "
                              f"up to {ring.rsp_prod}: {ring.unanswered} to go")
    return None


def _unheard(listener: End, ringer: End, what: str, produced: int | None,
             wanted: int | None) -> Owed:
    """Something lies in the ring that `listener` wanted to be rung for. What of the bell?"""
    there = f"{what} {produced}, and it wanted its bell at {wanted}"
    port = listener.port
    if port is not None and port.pending and port.masked:
        return _move(listener, f"{there}; port {port.port} was rung, and is masked: it waits "
                               "behind its own mask")
    if port is not None and port.pending:
        return _move(listener, f"{there}; port {port.port} was rung and is not masked: it must "
                               "take its upcall")
    if not listener.asleep:
        return _move(listener, f"{there}; it has answered the bell, and is at work")
    return _move(ringer, f"{there.replace('and it', f'and {listener}')}; it sleeps, and its bell "
                         "is not pending: it was never rung, or it took the bell and did nothing")
