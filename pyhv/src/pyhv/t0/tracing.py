# The trace of a hosted machine: its rings, read as those of any tier are.
"""Traces of tier T0."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyhv.t0.native import load
from pyhv.trace import Event, Facts, Recording, Trace


@functools.cache
def facts() -> Facts:
    """Return what traces of this tier say of themselves: the build is the extension's digest."""
    digest = hashlib.sha256(Path(load().__file__).read_bytes()).hexdigest()
    return Facts(build=digest[:16], engine="none", tier="T0")


class Rings:
    """All that a hosted machine has noted, decoded once."""

    def __init__(self, native: Callable[[], Any]) -> None:
        self.native = native
        self._events: list[Event] = []

    def events(self) -> list[Event]:
        """Return all events so far."""
        new = self.native().records(len(self._events))
        self._events += [Event.decoded(view) for view in load().decode(new)]
        return self._events


class Since:
    """What a hosted machine has noted since a moment, or since that event of it."""

    def __init__(self, rings: Rings, first: int | None = None) -> None:
        self.facts = facts()
        self._rings = rings
        self._read = len(rings.events()) if first is None else first
        self._lost = rings.native().lost

    def mask(self) -> int:
        """Return what is noted now."""
        return self._rings.native().traced

    def set_mask(self, bits: int) -> None:
        """Have those noted from now on."""
        self._rings.native().traced = bits

    def take(self) -> tuple[list[Event], int]:
        """Return the events since the last time, and how many were lost."""
        events, lost = self._rings.events(), self._rings.native().lost
        new, gone = events[self._read :], lost - self._lost
        self._read, self._lost = len(events), lost
        return new, gone


class HostedTrace(Trace):
    """What the machine has noted so far; called, it begins a recording."""

    def __init__(self, rings: Rings) -> None:
        super().__init__(rings.events(), rings.native().lost, facts())
        self._rings = rings

    def __call__(self, *names: str) -> Recording:
        """Record all that those chapters can tell, or those kinds of events; for no name, all."""
        return Recording(lambda: Since(self._rings), names)
