# A stretch of a machine's life of which more is noted than births and deaths.
"""Traces that are being made."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from pyhv.errors import Closed, WrongArgument
from pyhv.t0.native import load
from pyhv.trace.event import Event
from pyhv.trace.trace import Facts, Trace


class Source(Protocol):
    """Where a machine's events come from: this tier's rings."""

    facts: Facts

    def mask(self) -> int:
        """Return what is noted now, as bits of TRACE_BITS."""

    def set_mask(self, bits: int) -> None:
        """Have those noted from now on."""

    def take(self) -> tuple[list[Event], int]:
        """Return what was noted since the last time, and how many events were lost."""


def bits_of(names: tuple[str, ...]) -> int:
    """Return the bits of chapters and kinds of events; of all that there is, for no name."""
    known = load().TRACE_BITS
    bits = 0
    for name in names or known:
        if name not in known:
            raise WrongArgument(f"no events are called {name!r}; there are: {' '.join(known)}")
        bits |= known[name]
    return bits


class Recording(Trace):
    """What happens from the beginning of a `with` to its end, or until now while it is open.

    What was noted before goes on to be noted, and the same when it is over.

    >>> import pyhv
    >>> async def web(me):
    ...     for _ in range(3):
    ...         await me.hypercall("sched_op", "yield")
    >>> with pyhv.hosted() as hv, hv.trace("hypercalls") as t:
    ...     _ = hv.run(web)
    ...     print(t.of("hypercall_made").about(1).tell())
    d1 v0 asks me for sched_op, with 0x0.
    d1 asked me 2 times more: 2 for sched_op.
    """

    def __init__(self, open_source: Callable[[], Source], names: tuple[str, ...]) -> None:
        super().__init__()
        self._bits = bits_of(names)
        self._open = open_source
        self._source: Source | None = None
        self._before = 0

    def __enter__(self) -> "Recording":
        if self._source is not None or self._events:
            raise WrongArgument("this recording was made already: begin another with hv.trace(...)")
        self._source = self._open()
        self.facts = self._source.facts
        self._before = self._source.mask()
        self._source.set_mask(self._before | self._bits)
        return self

    def __exit__(self, *_: object) -> None:
        source = self._source
        if source is None:
            return
        try:
            # A machine that was closed meanwhile has nothing more to say
            with suppress(Closed):
                self._read()
                source.set_mask(self._before)
        finally:
            self._source = None

    def _read(self) -> None:
        if self._source is not None:
            events, lost = self._source.take()
            self._events += events
            self._lost += lost
