# One event of a trace, whichever tier it came from.
"""Events."""

from dataclasses import dataclass, field
from html import escape
from typing import Any

from pyhv.show import Row


@dataclass(slots=True, repr=False)
class Event:
    """One event that happened: at `time` (ns), on pCPU `cpu`, for `vcpu` of `domain`.

    `fields` are numbers, and `words` what those of them are called that stand for something.
    `sentence` is what the hypervisor says of it; `section` is the label in the book that explains
    it. A `frequent` event comes by the thousand, and is off until somebody asks.
    """

    time: int
    cpu: int
    domain: int
    vcpu: int
    chapter: str
    name: str
    fields: dict[str, int]
    sentence: str = ""
    section: str = ""
    frequent: bool = False
    words: dict[str, str] = field(default_factory=dict)

    @classmethod
    def decoded(cls, view: Any) -> "Event":
        """Return what the hypervisor's own decoder made of a record."""
        return cls(
            view.time, view.cpu, view.domain, view.vcpu, view.chapter, view.name, view.fields,
            view.sentence, view.section, view.frequent, view.words,
        )

    def row(self) -> Row:
        """Return its line of the table."""
        return {
            "time": self.time, "cpu": self.cpu, "domain": self.domain, "chapter": self.chapter,
            "event": self.name, "fields": self.fields, "sentence": self.sentence,
        }

    def __repr__(self) -> str:
        fields = "".join(
            f" {name}={self.words.get(name, value)}" for name, value in self.fields.items()
        )
        return f"<{self.chapter}.{self.name}{fields}>"

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self)[1:-1])}</code>"
