# The trace: what the hypervisor did, as records, and as the sentences that it says of them.
"""Events of a hosted machine."""

from collections.abc import Iterator
from typing import Any

from pyhv.show import Row, Shown


class Event:
    """One event that happened: `time` (ns), `cpu`, `domain`, `vcpu`, `chapter`, `name`, `fields`.

    `sentence` is what the hypervisor says of it; `section` is the label in the book that explains
    it.
    """

    def __init__(self, view: Any) -> None:
        self.time: int = view.time
        self.cpu: int = view.cpu
        self.domain: int = view.domain
        self.vcpu: int = view.vcpu
        self.chapter: str = view.chapter
        self.name: str = view.name
        self.fields: dict[str, int] = view.fields
        self.sentence: str = view.sentence
        self.section: str = view.section

    def row(self) -> Row:
        """Return its line of the table."""
        return {
            "time": self.time, "cpu": self.cpu, "domain": self.domain, "chapter": self.chapter,
            "event": self.name, "fields": self.fields, "sentence": self.sentence,
        }

    def __repr__(self) -> str:
        fields = "".join(f" {name}={value}" for name, value in self.fields.items())
        return f"<{self.chapter}.{self.name}{fields}>"

    def _repr_html_(self) -> str:
        return f"<code>{repr(self)[1:-1]}</code>"


class Trace(Shown):
    """Events in the order in which they happened. `lost` were overwritten before they were read.

    >>> import pyhv
    >>> with pyhv.hosted() as hv:
    ...     hv.create("web", memory=4).destroy()
    ...     hv.trace.of("domains")[-1]
    ...     print(hv.trace.of("domains").tell())
    <domains.domain_gone domain=1>
    I made room for d0: a number, 1 vCPU to come, and not a page yet.
    I made room for d1: a number, 1 vCPU to come, and not a page yet.
    I take d1 apart. It came to me 0 times, 0 of them to ask for something; it leaves 1024 frames \
to scrub before anyone else sees them.
    d1 is gone. Every frame of it is zero, and mine to give again.
    """

    def __init__(self, events: list[Event], lost: int = 0) -> None:
        self._events = events
        self.lost = lost

    def of(self, *names: str) -> "Trace":
        """Return the events of those chapters, or with those names."""
        return Trace([e for e in self._events if e.chapter in names or e.name in names], self.lost)

    def tell(self) -> str:
        """Return each event's sentence, one a line."""
        return "\n".join(event.sentence for event in self._events)

    def _rows(self) -> list[Row]:
        return [event.row() for event in self._events]

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __getitem__(self, index: int) -> Event:
        return self._events[index]

    def __repr__(self) -> str:
        return f"<Trace: {len(self)} events, {self.lost} lost>"
