# The trace: what the hypervisor did, as one object on every tier.
"""Traces."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyhv.t0.native import load
from pyhv.show import Row, Shown
from pyhv.trace.event import Event
from pyhv.trace.story import Story, episodes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Facts:
    """Where a trace comes from: the `build` of the hypervisor, the `engine`, and the `tier`."""

    build: str = ""
    engine: str = ""
    tier: str = ""

    def __str__(self) -> str:
        engine = f" on {self.engine}" if self.engine else ""
        return f"tier {self.tier or '?'}{engine}, build {self.build or '?'}"


class Trace(Shown):
    """Events in the order in which they happened. `lost` were overwritten before they were read.

    >>> import pyhv
    >>> with pyhv.hosted() as hv:
    ...     hv.create("web", memory=4).destroy()
    ...     hv.trace.of("domains")[-1]
    ...     print(hv.trace.of("domains").tell())
    <domains.domain_gone domain=1>
    I made room for d0: a number, 1 vCPU to come, and not a page yet.
    d0 v0 is awake: it may run from now on.
    I made room for d1: a number, 1 vCPU to come, and not a page yet.
    d1 v0 is awake: it may run from now on.
    I take d1 apart. It came to me 0 times, 0 of them to ask for something; it leaves 1024 frames \
to scrub before anyone else sees them.
    d1 is gone. Every frame of it is zero, and mine to give again.
    """

    def __init__(
        self, events: Iterable[Event] = (), lost: int = 0, facts: Facts | None = None
    ) -> None:
        self._events = list(events)
        self._lost = lost
        self.facts = facts or Facts()

    @classmethod
    def decode(cls, records: bytes, lost: int = 0, facts: Facts | None = None) -> "Trace":
        """Return the trace that raw records make, of one pCPU or of several one after another.

        The records may come from any tier: they are read by the hypervisor's own tables. Raises
        BadTrace.

        >>> Trace.decode(bytes(48))[0].sentence
        'I run. I am 0 bytes, loaded from 0x0 to 0x0.'
        """
        events = [Event.decoded(view) for view in load().decode(records)]
        return cls(sorted(events, key=lambda event: event.time), lost, facts)

    def _read(self) -> None:
        """Read what there is to read before the events are looked at: here, nothing."""

    @property
    def events(self) -> list[Event]:
        """The events, as far as they have happened."""
        self._read()
        return self._events

    @property
    def lost(self) -> int:
        """How many were overwritten before they were read."""
        self._read()
        return self._lost

    def of(self, *names: str) -> "Trace":
        """Return the events of those chapters, or with those names."""
        chosen = (e for e in self.events if e.chapter in names or e.name in names)
        return Trace(chosen, self.lost, self.facts)

    def about(self, domain: int) -> "Trace":
        """Return the events of the domain with that number."""
        return Trace((e for e in self.events if e.domain == domain), self.lost, self.facts)

    def tell(self, all: bool = False) -> Story:
        """Return what happened, in the hypervisor's sentences.

        Repeats are counted and surprises are kept; `all` tells every event. In a notebook each
        sentence leads to where the book explains it.
        """
        return Story(episodes(self.events, unfolded=all), self.lost)

    def plot(self, kind: str = "turns", domain: int | None = None) -> "Figure":
        """Return a figure: "turns", who ran where; "exits" by reason; or a domain's "life".

        Raises WrongArgument where the trace holds nothing of that kind.
        """
        from pyhv.trace import figures

        return figures.draw(self, kind, domain)

    def to_csv(self, path: str | Path) -> Path:
        """Write one line an event; return where."""
        from pyhv.trace import files

        return files.write_csv(self, Path(path))

    def to_parquet(self, path: str | Path) -> Path:
        """Write a table that pyhv.trace.read_parquet() makes the same trace of; return where."""
        from pyhv.trace import files

        return files.write_parquet(self, Path(path))

    def to_perfetto(self, path: str | Path) -> Path:
        """Write a timeline that ui.perfetto.dev opens; return where."""
        from pyhv.trace import perfetto

        return perfetto.write(self, Path(path))

    def _rows(self) -> list[Row]:
        return [event.row() for event in self.events]

    def table(self) -> Any:
        """Return a DataFrame: time, cpu, domain, chapter, event, fields and sentence."""
        return super().table()

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __getitem__(self, index: int) -> Event:
        return self.events[index]

    def __repr__(self) -> str:
        return f"<Trace: {len(self)} events, {self.lost} lost>"
