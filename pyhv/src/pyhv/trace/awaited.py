# Events that somebody waits for: each is handed out once, however late it is asked for.
"""Waiting for an event of a machine's trace."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from pyhv.errors import WrongArgument
from pyhv.t0.native import load
from pyhv.trace.event import Event
from pyhv.trace.record import Source

MOST_KEPT = 100_000
"""Events kept for who may yet wait for them; the oldest are forgotten first."""


def bit_of(name: str) -> int:
    """Return the bit by which an event is noted. Raises WrongArgument."""
    known = load().EVENT_BITS
    if name not in known:
        raise WrongArgument(f"no event is called {name!r}; there are: {' '.join(sorted(known))}")
    return known[name]


class Awaited:
    """The events of a machine that nobody has waited for yet, from a source that began early."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._events: deque[Event] = deque(maxlen=MOST_KEPT)

    def find(self, name: str, domain: int | None) -> Event | None:
        """Take out the oldest event of that name, and of that domain where one is given."""
        self._events += self._source.take()[0]
        for event in self._events:
            if event.name == name and domain in (None, event.domain):
                self._events.remove(event)
                return event
        return None

    @contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Have that event noted meanwhile, where it is one of those that come by the thousand."""
        before, bit = self._source.mask(), bit_of(name)
        if before & bit:
            yield
            return
        self._source.set_mask(before | bit)
        try:
            yield
        finally:
            self._source.set_mask(before)
