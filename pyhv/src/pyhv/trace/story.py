# A trace as a story: what is new is told in the hypervisor's words, what repeats is counted.
"""Episodes."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from pyhv.trace.book import link_to
from pyhv.trace.event import Event

# The turning points: before each, what has repeated itself since the last one is summed up.
LANDMARKS = ("boot", "domains")

# How a repeat is counted: the sentence, and the field that it is counted by.
COUNTED = {
    "hypercall_made": ("d{domain} asked me {count} times more", "call", "for "),
    "vcpu_exited": ("d{domain} came to me {count} times more", "exit", ""),
    "vcpu_scheduled": ("I gave d{domain} its turn {count} times more", None, ""),
    "vcpu_put_away": ("d{domain} lost its turn {count} times more", None, ""),
    "vcpu_blocked": ("d{domain} went to sleep {count} times more", None, ""),
    "vcpu_woken": ("I woke d{domain} {count} times more", None, ""),
    "event_sent": ("d{domain} rang {count} times more", "port", "port "),
    "virq_raised": ("d{domain} was due virtual interrupts {count} times more", "virq", ""),
}


@dataclass
class Episode:
    """One sentence, and the events that it stands for."""

    sentence: str
    section: str
    events: list[Event]

    @property
    def time(self) -> int:
        """When it began, in ns."""
        return self.events[0].time


class Story(str):
    """Episodes, one a line; `episodes` are they themselves. In a notebook, with links."""

    episodes: list[Episode]

    def __new__(cls, told: Iterable[Episode], lost: int = 0) -> "Story":
        """Return the story of those episodes; what was lost is told, too."""
        told = list(told)
        lines = [episode.sentence for episode in told]
        story = super().__new__(cls, "\n".join(lines + _of_loss(lost)))
        story.episodes = told
        story._lost = lost  # type: ignore[attr-defined]
        return story

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        lines = [
            f"<li>{escape(episode.sentence)}{_anchor(episode)}</li>" for episode in self.episodes
        ]
        lines += [f"<li><em>{escape(line)}</em></li>"
                  for line in _of_loss(self._lost)]  # type: ignore[attr-defined]
        return f"<ol>{''.join(lines)}</ol>"


def _of_loss(lost: int) -> list[str]:
    return [f"{lost:,} events more are lost: I wrote over them before they were read."] if lost \
        else []


def _anchor(episode: Episode) -> str:
    if not episode.section:
        return ""
    address = link_to(episode.events[0].chapter, episode.section)
    return f' <a href="{escape(address)}" title="{escape(episode.section)}">§</a>'


def episodes(events: Iterable[Event], unfolded: bool = False) -> Iterator[Episode]:
    """Yield what is told of those events, in their order.

    A turning point is always told, and so is the first event of each kind of each domain's; what
    comes again is counted until the next turning point.
    """
    told: set[tuple] = set()
    repeats: dict[tuple, list[Event]] = {}
    for event in events:
        landmark = event.chapter in LANDMARKS and not event.frequent
        if unfolded or landmark:
            yield from _sum_up(repeats)
            yield Episode(event.sentence, event.section, [event])
            continue
        kind = (event.domain, event.name, _word(event))
        if kind not in told:
            told.add(kind)
            yield Episode(event.sentence, event.section, [event])
        else:
            repeats.setdefault(kind[:2], []).append(event)
    yield from _sum_up(repeats)


def _word(event: Event) -> str:
    """What kinds of such an event are told apart by: the hypercall, the exit."""
    by = COUNTED.get(event.name, ("", None, ""))[1]
    return "" if by is None else event.words.get(by, str(event.fields.get(by, "")))


def _sum_up(repeats: dict[tuple, list[Event]]) -> Iterator[Episode]:
    """Yield a sentence for each kind that repeated itself, and forget them."""
    for (domain, name), events in repeats.items():
        if len(events) == 1:
            yield Episode(events[0].sentence, events[0].section, events)
            continue
        usual = ("{count} times more, of d{domain}: " + name.replace("_", " "), None, "")
        words, by, before = COUNTED.get(name, usual)
        sentence = words.format(domain=domain, count=f"{len(events):,}")
        if by is not None:
            counts = Counter(_word(event) for event in events).most_common()
            sentence += ": " + ", ".join(f"{count:,} {before}{word}" for word, count in counts)
        yield Episode(sentence + ".", events[0].section, events)
    repeats.clear()
