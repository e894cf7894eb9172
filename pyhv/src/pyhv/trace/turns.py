# From events to stretches of time: who had which pCPU, and what each vCPU did meanwhile.
"""Turns."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyhv.trace.event import Event

# What a vCPU does from such an event on.
BECOMES = {
    "vcpu_scheduled": "runs", "vcpu_put_away": "waits", "vcpu_woken": "waits", "vcpu_up": "waits",
    "vcpu_blocked": "sleeps", "vcpu_down": "is down",
}


@dataclass(frozen=True)
class Stretch:
    """What a vCPU did from `start` to `end` (ns); `cpu` is where, while it ran."""

    domain: int
    vcpu: int
    cpu: int
    state: str
    start: int
    end: int

    @property
    def who(self) -> str:
        """The vCPU's short name: "d1 v0"."""
        return f"d{self.domain} v{self.vcpu}"


def stretches(events: Iterable[Event]) -> Iterator[Stretch]:
    """Yield what each vCPU did, by the events that tell of turns; the last ends with the trace."""
    open_: dict[tuple[int, int], tuple[Event, str]] = {}
    end = 0
    for event in events:
        end = event.time
        who = event.domain, event.vcpu
        state = BECOMES.get(event.name)
        gone = event.name == "domain_gone"
        for key in [k for k in open_ if k == who and state or gone and k[0] == event.domain]:
            yield _close(*open_.pop(key), event.time)
        if state:
            open_[who] = event, state
    for begun, state in open_.values():
        yield _close(begun, state, end)


def _close(begun: Event, state: str, end: int) -> Stretch:
    return Stretch(begun.domain, begun.vcpu, begun.cpu, state, begun.time, end)
