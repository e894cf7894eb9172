# What is known of a domain that does not go on, and of the devices that it shares with others.
"""A situation: plain values, so that reasoning needs no machine."""

from dataclasses import dataclass, field

from pyhv.api.grants import Grant
from pyhv.api.ports import Port
from pyhv.show import Row

STATES = ("Unknown", "Initialising", "InitWait", "Initialised", "Connected", "Closing", "Closed",
          "Reconfiguring", "Reconfigured")
"""By XenbusState of xen/io/xenbus.h."""
GONE = "gone"
INDEX = 1 << 32


def state_name(state: int | None) -> str:
    """Return a state as the store has it, with its name.

    >>> state_name(3), state_name(None)
    ('3 (Initialised)', 'none')
    """
    if state is None:
        return "none"
    return f"{state} ({STATES[state] if 0 <= state < len(STATES) else 'no such state'})"


@dataclass(frozen=True)
class End:
    """One end of a device: `role` is "frontend" or "backend", of domain number `domain`.

    `life` is that domain's state, or "gone"; `vcpus` what its vCPUs do; `state` what this end says
    of itself in the store, None where it says nothing. `port` is its doorbell.
    """

    role: str
    domain: int
    state: int | None = None
    life: str = "alive"
    port: Port | None = None
    vcpus: tuple[str, ...] = ()
    path: str = ""

    @property
    def asleep(self) -> bool:
        """Whether none of its vCPUs has anything to do."""
        return bool(self.vcpus) and all(each in ("blocked", "down") for each in self.vcpus)

    def __str__(self) -> str:
        return f"the {self.role} in d{self.domain}"


@dataclass(frozen=True)
class Ring:
    """A shared ring: the frontend's reference to it, and the four words that its page begins with.

    Each side counts up what it has produced, and names the count at which it wants to be rung. A
    ring that cannot be read has None in all four.
    """

    ref: int
    grant: Grant | None = None
    req_prod: int | None = None
    req_event: int | None = None
    rsp_prod: int | None = None
    rsp_event: int | None = None

    @property
    def unanswered(self) -> int | None:
        """How many requests have no response yet; None where the ring cannot be read."""
        if self.req_prod is None or self.rsp_prod is None:
            return None
        return (self.req_prod - self.rsp_prod) % INDEX

    @property
    def requests_unseen(self) -> bool:
        """Whether there are requests at which the backend, when last it slept, wanted a bell."""
        return _reached(self.req_prod, self.req_event)

    @property
    def responses_unseen(self) -> bool:
        """The same of responses, and the frontend."""
        return _reached(self.rsp_prod, self.rsp_event)

    def __str__(self) -> str:
        if self.unanswered is None:
            return f"ring-ref {self.ref}: cannot be read"
        return (f"ring-ref {self.ref}: requests {self.req_prod} (bell at {self.req_event}), "
                f"responses {self.rsp_prod} (bell at {self.rsp_event})")


def _reached(produced: int | None, wanted: int | None) -> bool:
    return (produced is not None and wanted is not None
            and (produced - wanted) % INDEX < INDEX // 2)


@dataclass(frozen=True)
class Device:
    """One device: `kind` and `number` as the store's paths have them, and both its ends."""

    kind: str
    number: str
    front: End
    back: End
    rings: tuple[Ring, ...] = ()

    def rows(self) -> list[Row]:
        """Return a line for each end, for a table."""
        return [{"device": f"{self.kind}/{self.number}", "end": end.role, "domain": end.domain,
                 "it is": end.life, "state": state_name(end.state),
                 "port": end.port.port if end.port else "",
                 "bound to": end.port.bound_to if end.port else "",
                 "pending": bool(end.port and end.port.pending),
                 "masked": bool(end.port and end.port.masked)} for end in (self.front, self.back)]

    def __str__(self) -> str:
        return f"{self.kind}/{self.number} of d{self.front.domain}"


@dataclass(frozen=True)
class Situation:
    """A domain: its state, its vCPUs, what others hold of it, its ports, and its devices.

    `waiting` are its ports that are pending and not masked: it owes them an ear.
    """

    domain: int
    life: str
    vcpus: tuple[str, ...] = ()
    held: tuple[Grant, ...] = ()
    waiting: tuple[Port, ...] = ()
    devices: tuple[Device, ...] = field(default=())
