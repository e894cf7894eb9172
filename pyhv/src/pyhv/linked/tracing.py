# The trace of a machine that is asked over the link: dom0 reads the hypervisor's rings for us.
"""Traces of tiers T1 and T2."""

from typing import Any

from pyhv.t0.native import load
from pyhv.trace import Event, Facts, Recording, Trace


def facts_of(hv: Any) -> Facts:
    """Return what traces of this machine say of themselves."""
    hello = hv.hello
    return Facts(build=hello.build, engine=hello.engine, tier=hv.tier)


class Rings:
    """The rings of a machine's pCPUs: what is in them now and, `new_only`, what is yet to come."""

    def __init__(self, hv: Any, *, new_only: bool) -> None:
        self._hv = hv
        self.facts = facts_of(hv)
        written = self._written()
        self._next = written if new_only else [0] * len(written)

    def _written(self) -> list[int]:
        return self._hv.ask("trace.info")["written"]

    def mask(self) -> int:
        """Return what is noted now."""
        return self._hv.ask("trace.info")["mask"]

    def set_mask(self, bits: int) -> None:
        """Have those noted from now on."""
        self._hv.ask("trace.mask", bits=bits)

    def take(self) -> tuple[list[Event], int]:
        """Return the events since the last time, by time, and how many were lost.

        Those that reading them brings about are left for the next time.
        """
        found: list[Event] = []
        lost = 0
        for cpu, end in enumerate(self._written()):
            while self._next[cpu] < end:
                part = self._hv.ask("trace.read", cpu=cpu, **{"from": self._next[cpu]})
                found += [Event.decoded(view) for view in load().decode(part["records"])]
                lost += part["lost"]
                self._next[cpu] = part["next"]
        return sorted(found, key=lambda event: event.time), lost


class LinkedTrace(Trace):
    """What the machine's rings hold of its past; called, it begins a recording.

    It is read when it is first looked at. `lost` counts what was overwritten before.
    """

    def __init__(self, hv: Any) -> None:
        super().__init__(facts=facts_of(hv))
        self._hv = hv
        self._is_read = False

    def _read(self) -> None:
        if not self._is_read:
            self._events, self._lost = Rings(self._hv, new_only=False).take()
            self._is_read = True

    def __call__(self, *names: str) -> Recording:
        """Record all that those chapters can tell, or those kinds of events; for no name, all."""
        return Recording(lambda: Rings(self._hv, new_only=True), names)
