# The bell's protocol, step by step: who rings, who unmasks, who sleeps; two ABIs, as hv/events has.
"""Models of hv/events. Each planted fault is an order of steps that loses a wake-up.

A step is what one actor does to shared memory at once, and is named by the function of hv/ that
does it. Where nobody can go on, everything must be settled: a listener that sleeps while its event
waits has lost its wake-up.

>>> from orders import explore
>>> explore(TwoLevel()).lost
[]
>>> print(explore(TwoLevel(fault="block looks first")).story())
sender    send                   sends 1 to 0, locked 0 to 1
sender    set_pending            pending 0 to 1
sender    set_pending.mask       -
sender    select                 selector 0 to 1
sender    raise_upcall           upcall 0 to 1
vcpu      guest                  -
vcpu      block.look             -
sender    interrupt_for_events   interrupt 0 to 1
sender    unblock                -
sender    wake_pollers           -
sender    unlock                 locked 1 to 0
vcpu      block                  blocked 0 to 1
"""

from typing import NamedTuple

from orders import Move, Places, State


def tell(s: State, at: str, then: str) -> Move | None:
    """Tell a vCPU that its events wait (ports.cpp, household.hpp); `then` follows."""
    match at:
        case "raise_upcall":  # the first who sets the guest's flag interrupts it
            return s._replace(upcall=1), then if s.upcall else "interrupt_for_events"
        case "interrupt_for_events":
            return s._replace(interrupt=1), "unblock"
        case "unblock":
            return s._replace(blocked=0), then
    return None


def sleep(s: State, at: str, waits: int, looks_first: bool = False) -> Move | None:
    """Run a guest with nothing to do (vcpu.cpp): it takes the interrupt that `waits`, or blocks."""
    match at:
        case "guest":
            if waits:
                return s._replace(interrupt=0), "handler"
            return s, "block.look" if looks_first else "block"
        case "block":  # says that it sleeps, and then looks once more
            return s._replace(blocked=1), "asleep" if looks_first else "block.look"
        case "block.look":
            if waits:
                return s._replace(blocked=0), "guest"
            return s, "block" if looks_first else "asleep"
        case "asleep" if not s.blocked:
            return s, "guest"
    return None


class Levels(NamedTuple):
    """One port of a two-level guest, and the vCPU that it is bound to."""

    at: Places
    sends: int  # that are still to come
    pending: int = 0
    masked: int = 0
    selector: int = 0
    upcall: int = 0  # evtchn_upcall_pending
    interrupt: int = 0  # in the local APIC, or an attention bit
    blocked: int = 0
    polling: int = 0
    locked: int = 0  # the domain's event lock


class TwoLevel:
    """two_level.cpp and poll.cpp: one rings, the vCPU handles and sleeps, another one unmasks.

    The handler masks its port and clears it, as Linux does; a second vCPU serves the event and
    unmasks. A guest that polls keeps the port masked for good, and needs no handler. Interrupts
    come through the local APIC, or as a `callback`, for as long as the guest's own flag is set.
    """

    def __init__(
        self, polls: bool = False, callback: bool = False, fault: str = "", sends: int = 1
    ) -> None:
        self.fault = fault
        self.polls = polls
        self.callback = callback
        self.actors = {"sender": self.send, "vcpu": self.poll if polls else self.live}
        places = [("sender", "send"), ("vcpu", "poll" if polls else "guest")]
        if not polls:
            self.actors["unmasker"] = self.unmask
            places.append(("unmasker", "unmask"))
        if polls and fault:
            places[1] = ("vcpu", "any_pending")
        self.start = Levels(Places(places), sends, masked=int(polls))

    def settled(self, s: Levels) -> bool:
        """Return whether every event that came was taken, and the port can ring again."""
        return not s.pending and s.masked == self.polls

    def send(self, s: Levels, at: str) -> Move | None:
        """EVTCHNOP_send: ports.cpp's send, two_level.cpp's set_pending."""
        early = self.fault == "tells before it sets"
        match at:
            case "send" if s.sends and not s.locked:
                first = "select" if early else "set_pending"
                return s._replace(sends=s.sends - 1, locked=1), first
            case "set_pending":
                if early:
                    return s._replace(pending=1), "wake_pollers"
                return s._replace(pending=1), "wake_pollers" if s.pending else "set_pending.mask"
            case "set_pending.mask":
                return s, "wake_pollers" if s.masked else "select"
            case "select":
                then = "set_pending" if early else "wake_pollers"
                return s._replace(selector=1), then if s.selector else "raise_upcall"
            case "wake_pollers":
                return s, "stop_polling" if s.polling else "unlock"
            case "stop_polling":
                return s._replace(polling=0), "wake_poller"
            case "wake_poller":
                return s._replace(blocked=0), "unlock"
            case "unlock":
                return s._replace(locked=0), "send"
        return tell(s, at, "set_pending" if early else "wake_pollers")

    def unmask(self, s: Levels, at: str) -> Move | None:
        """EVTCHNOP_unmask, whenever the port is masked: event_op.cpp, two_level.cpp."""
        looks_first = self.fault == "unmask looks first, without the lock"
        match at:
            case "unmask" if s.masked and looks_first:
                return s, "unmask.blindly" if not s.pending else "unmask.clear"
            case "unmask.blindly":
                return s._replace(masked=0), "unmask"
            case "unmask" if s.masked and not s.locked:
                return s._replace(locked=1), "unmask.clear"
            case "unmask.clear":
                return s._replace(masked=0), "unmask.pending"
            case "unmask.pending":
                return s, "select" if s.pending else "unlock"
            case "select":
                return s._replace(selector=1), "unlock" if s.selector else "raise_upcall"
            case "unlock":
                return s._replace(locked=0), "unmask"
        return tell(s, at, "unlock")

    def live(self, s: Levels, at: str) -> Move | None:
        """Handle upcalls and sleep between them: the guest's half is as xen/xen.h tells it."""
        late = self.fault == "the guest clears its flag last"
        done = "handler.flag" if late else "guest"
        match at:
            case "handler":
                return s, "handler.selector" if late else "handler.flag"
            case "handler.flag":
                return s._replace(upcall=0), "guest" if late else "handler.selector"
            case "handler.selector":
                return s._replace(selector=0), "handler.look" if s.selector else done
            case "handler.look":
                return s, "handler.mask" if s.pending and not s.masked else done
            case "handler.mask":
                return s._replace(masked=1), "handler.clear"
            case "handler.clear":
                return s._replace(pending=0), done
        waits = s.upcall if self.callback else s.interrupt
        return sleep(s, at, waits, self.fault == "block looks first")

    def poll(self, s: Levels, at: str) -> Move | None:
        """SCHEDOP_poll of one masked port, again and again: poll.cpp."""
        looks_first = self.fault == "poll looks first"
        match at:
            case "poll" if not s.locked:
                then = "asleep" if looks_first else "any_pending"
                return s._replace(polling=1, blocked=1), then
            case "any_pending" if not s.locked:
                return s, "poll.stay" if s.pending else "poll" if looks_first else "asleep"
            case "poll.stay":
                return s._replace(polling=0, blocked=0), "guest"
            case "asleep" if not s.blocked:
                return s, "guest"
            case "guest":
                return s._replace(pending=0), "any_pending" if looks_first else "poll"
        return None


class Queue(NamedTuple):
    """Two ports in one queue of a FIFO guest: ports 1 and 2, and 0 for none."""

    at: Places
    sends: tuple[int, int]
    pending: tuple[int, int] = (0, 0)
    linked: tuple[int, int] = (0, 0)
    link: tuple[int, int] = (0, 0)
    head: int = 0  # in the control block
    ready: int = 0
    tail: int = 0  # the hypervisor's own
    guest_head: int = 0  # the guest's own
    guest_ready: int = 0
    upcall: int = 0
    interrupt: int = 0
    blocked: int = 0
    locked: int = 0


def put(pair: tuple[int, int], port: int, value: int) -> tuple[int, int]:
    """Return the pair with another value for the port."""
    return (value, pair[1]) if port == 1 else (pair[0], value)


class Fifo:
    """fifo.cpp: two ring, each a port of its own, while the guest takes words out."""

    def __init__(self, fault: str = "", sends: int = 2) -> None:
        self.fault = fault
        self.actors = {
            "sender 1": lambda s, at: self.send(s, at, 1),
            "sender 2": lambda s, at: self.send(s, at, 2),
            "vcpu": self.live,
        }
        places = Places([("sender 1", "send"), ("sender 2", "send"), ("vcpu", "guest")])
        self.start = Queue(places, (sends, sends))

    def settled(self, s: Queue) -> bool:
        """Return whether the guest has taken every event and every word."""
        return not any(s.pending + s.linked)

    def send(self, s: Queue, at: str, port: int) -> Move | None:
        """EVTCHNOP_send: set_pending, link, enqueue."""
        match at:
            case "send" if s.sends[port - 1] and not s.locked:
                left = put(s.sends, port, s.sends[port - 1] - 1)
                return s._replace(sends=left, locked=1), "set_pending"
            case "set_pending":
                return s._replace(pending=put(s.pending, port, 1)), "link"
            case "link":
                was = s.linked[port - 1]
                return s._replace(linked=put(s.linked, port, 1)), "unlock" if was else "link.clear"
            case "link.clear":
                return s._replace(link=put(s.link, port, 0)), "forget_tail"
            case "forget_tail":
                tail = 0 if s.tail == port else s.tail
                return s._replace(tail=tail), "link_behind" if tail else self.first()
            case "unlock":
                return s._replace(locked=0), "send"
        return self.enqueue(s, at, port) or tell(s, at, self.told())

    def first(self) -> str:
        """Return what is done first with a queue that is empty."""
        return "enqueue.ready" if self.fault == "ready before head" else "enqueue.head"

    def told(self) -> str:
        """Return what follows when the vCPU was told."""
        return "enqueue.head" if self.fault == "ready before head" else "unlock"

    def enqueue(self, s: Queue, at: str, port: int) -> Move | None:
        """Put the port behind the tail where that is still linked, or else at the head."""
        match at:
            case "link_behind":  # compare and exchange: looks and links at once
                if not s.linked[s.tail - 1]:
                    return s, self.first()
                if self.fault == "link_behind stores what it saw":
                    return s, "link_behind.store"
                return s._replace(link=put(s.link, s.tail, port), tail=port), "unlock"
            case "link_behind.store":
                linked = put(s.linked, s.tail, 1)
                link = put(s.link, s.tail, port)
                return s._replace(linked=linked, link=link, tail=port), "unlock"
            case "enqueue.head":
                then = "unlock" if self.fault == "ready before head" else "enqueue.ready"
                return s._replace(head=port, tail=port), then
            case "enqueue.ready":
                return s._replace(ready=1), self.told() if s.ready else "raise_upcall"
        return None

    def live(self, s: Queue, at: str) -> Move | None:
        """Take words out as long as the queue is ready: the guest's half, as Linux does it."""
        match at:
            case "handler":
                return s._replace(upcall=0), "handler.ready"
            case "handler.ready":
                ready = s.guest_ready | s.ready
                return s._replace(guest_ready=ready, ready=0), "handler.head" if ready else "guest"
            case "handler.head":
                head = s.guest_head or s.head
                then = f"handler.unlink {head}" if head else "guest"
                return s._replace(guest_head=head, guest_ready=int(head != 0)), then
            case "handler.unlink 1" | "handler.unlink 2":
                port = int(at[-1])
                behind = s.link[port - 1]
                out = s._replace(linked=put(s.linked, port, 0), link=put(s.link, port, 0),
                                 guest_head=behind, guest_ready=int(behind != 0))
                return out, f"handler.clear {port}"
            case "handler.clear 1" | "handler.clear 2":
                return s._replace(pending=put(s.pending, int(at[-1]), 0)), "handler.ready"
        return sleep(s, at, s.interrupt)
