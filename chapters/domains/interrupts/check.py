# What stories the reader's local APIC is told, and a second APIC that lives through the same.
"""The points of the lab *interrupts*: each says what it expects, then what came.

A story is steps: `on` and `off` (by the guest), `raise:41`, `take` (what can be delivered now is),
`end` (of an interrupt), `priority:50` (the task's), `look` (was the vCPU told to look?). A seed
above 1 draws other rules of priority.
"""

import random
from collections.abc import Iterator
from typing import Any

from pyhv import sentences as say

STORIES = 200
NONE = "none"

GROUPS = {
    4: "The priority of a vector is its upper half: 16 vectors share one.",
    5: "The priority of a vector is its upper three bits: 32 vectors share one.",
    3: "The priority of a vector is its upper five bits: 8 vectors share one.",
    0: "The priority of a vector is the vector: each has one of its own.",
}
NESTING = {
    "nested": "While an interrupt is served, another one of higher priority is delivered.",
    "one": "While any interrupt is served, none is delivered, whatever its priority.",
}


def _rules(seed: int) -> tuple[int, str]:
    """Return by which bits priority goes, and whether interrupts nest; the book's for seed 1."""
    every = [(shift, nesting) for shift in GROUPS for nesting in NESTING]
    return every[0] if seed == 1 else random.Random(seed).choice(every[1:])


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    shift, nesting = _rules(seed)
    return (f"{GROUPS[shift]} That holds for the task's priority register, too: the same bits of "
            f"it count.\n\n{NESTING[nesting]}")


class Apic:
    """A local APIC of sets of numbers."""

    def __init__(self, rules: tuple[int, str]) -> None:
        self.shift, self.nesting = rules
        self.waiting: set[int] = set()
        self.served: set[int] = set()
        self.is_on = self.noticed = False
        self.task = 0

    def live(self, story: str) -> str:
        """Live through a story, and return what came of it, in the probe's words."""
        said = []
        for step in story.split():
            word, _, number = step.partition(":")
            said.append(getattr(self, f"do_{word}")(*([int(number, 16)] if number else [])))
        return " ".join([*filter(None, said), _told("waiting", self.waiting),
                         _told("served", self.served)])

    def do_on(self) -> None:
        """Go on."""
        self.is_on = self.noticed = True

    def do_off(self) -> None:
        """Go off."""
        self.is_on, self.noticed = False, True

    def do_raise(self, vector: int) -> None:
        """Let a vector wait."""
        if self.is_on and vector >= 16:
            self.waiting.add(vector)
            self.noticed = True

    def do_priority(self, task: int) -> None:
        """Set the task's priority."""
        self.task, self.noticed = task, True

    def do_take(self) -> str:
        """Deliver what can be."""
        floor = max(self.task, *self.served, 0) >> self.shift
        vector = max(self.waiting, default=-1)
        held = not self.is_on or (self.nesting == "one" and self.served)
        if vector < 0 or held or vector >> self.shift <= floor:
            return NONE
        self.waiting.remove(vector)
        self.served.add(vector)
        return f"{vector:02x}"

    def do_end(self) -> None:
        """End the interrupt that is served now."""
        if self.served:
            self.served.remove(max(self.served))
            self.noticed = True

    def do_look(self) -> str:
        """Say whether the vCPU was told to look."""
        noticed, self.noticed = self.noticed, False
        return "noticed" if noticed else "unnoticed"


def _told(name: str, vectors: set[int]) -> str:
    return f"{name}=" + "".join(f"{vector:02x}." for vector in sorted(vectors))


def _one(bench: Any, *stories: str) -> Iterator[Any]:
    yield "; ".join(Apic(_rules(bench.seed)).live(story) for story in stories)
    answers = bench.probe("".join(f"{story}\n" for story in stories)).splitlines()
    yield "; ".join(answer.strip() for answer in answers)


def _vector(die: random.Random, priority: int) -> int:
    return priority * 32 + die.randrange(32)


def what_is_raised_waits(bench: Any) -> Iterator[Any]:
    """A bit of the IRR: 32 vectors to a word, and a word every 16 bytes. And who looks there?"""
    one, other = _vector(bench.die, 2), _vector(bench.die, 6)
    return _one(bench, f"on look raise:{one:x} look look raise:{other:x} raise:{one:x} look")


def what_may_not_be_raised_does_not_wait(bench: Any) -> Iterator[Any]:
    """Vectors below 16 are exceptions; and an APIC that its guest has not enabled takes none in."""
    vector = _vector(bench.die, 3)
    return _one(bench, f"on look raise:{bench.die.randrange(16):x} raise:{vector:x} look",
                f"raise:{vector:x} look on take", f"on raise:{vector:x} off raise:{vector + 1:x}")


def the_highest_is_taken_first(bench: Any) -> Iterator[Any]:
    """What is taken moves from the IRR to the ISR, and stays there until it is ended."""
    low, high = _vector(bench.die, 2), _vector(bench.die, 5)
    return _one(bench, f"on take raise:{low:x} raise:{high:x} take",
                f"on raise:{low:x} raise:{high:x} take end take end take")


def the_served_holds_back_its_like(bench: Any) -> Iterator[Any]:
    """Same priority, or lower, waits for the end of what is served; a higher one does not."""
    base = 0x20 * bench.die.randrange(2, 6)
    return _one(bench, *(f"on raise:{base + 1:x} take raise:{base + step:x} take end take"
                         for step in (0, 2, 7, 9, 15, 17, 31, 33)),
                f"on raise:{base:x} take raise:{base + 40:x} take end take end")


def the_tasks_priority_holds_back_too(bench: Any) -> Iterator[Any]:
    """The task's priority register stands beside the ISR: the higher of the two counts."""
    base = 0x20 * bench.die.randrange(2, 6)
    return _one(bench, *(f"on priority:{base + 5:x} raise:{base + step:x} take priority:0 take"
                         for step in (0, 6, 8, 15, 16, 31, 32)))


def an_end_is_noticed(bench: Any) -> Iterator[Any]:
    """After an end another may be delivered: set attention_interrupt in owner_.attention."""
    vector = _vector(bench.die, 3)
    return _one(bench, f"on raise:{vector:x} raise:{vector + 32:x} take look end look take end end")


def off_is_off(bench: Any) -> Iterator[Any]:
    """What waits while the APIC is off is delivered when it is on again."""
    vector = _vector(bench.die, 4)
    return _one(bench, f"on raise:{vector:x} off take on take")


def any_story_comes_out_right(bench: Any) -> Iterator[Any]:
    """Take the story that went wrong, and draw the IRR and the ISR after each step."""
    stories = [_any_story(bench.die) for _ in range(STORIES)]
    yield f"{STORIES} of {STORIES} stories are right"
    answers = bench.probe("".join(f"{story}\n" for story in stories)).splitlines()
    for story, answer in zip(stories, answers, strict=True):
        right = Apic(_rules(bench.seed)).live(story)
        if answer.strip() != right:
            yield f"of the story {story} you made {answer.strip()}; right is {right}"
    yield f"{STORIES} of {STORIES} stories are right"


def _any_story(die: random.Random) -> str:
    def some_step() -> str:
        word = die.choice(["raise"] * 6 + ["take"] * 5 + ["end"] * 4 + ["priority", "on", "off"])
        if word == "raise":
            return f"raise:{die.randrange(0x30, 0xA0):x}"
        return f"priority:{die.choice([0, 0, 0x3C, 0x60]):x}" if word == "priority" else word

    return " ".join(["on", *(some_step() for _ in range(30))])


def a_guests_timer_ticks(bench: Any) -> Iterator[Any]:
    """Its handler ends each tick before the next. What is raised, and never taken or ended?"""
    yield "10 timer interrupts"
    dom0 = bench.dom0()
    dom0.ask("create hello kernel=hello memory=16")
    said = bench.hear(dom0, "hello", say.HELLO[2])[0]
    yield said.removeprefix("hello: ").partition(" from")[0]


def a_guest_wakes_from_its_sleep(bench: Any) -> Iterator[Any]:
    """A guest that waits in HLT goes on at its next interrupt: was the vCPU told to look?"""
    yield "hello: second 2"
    dom0 = bench.dom0()
    dom0.ask("create sleeper kernel=hello memory=16")
    yield bench.hear(dom0, "sleeper", r"hello: second 2")[0]


HOSTED = [what_is_raised_waits, what_may_not_be_raised_does_not_wait, the_highest_is_taken_first,
          the_served_holds_back_its_like, the_tasks_priority_holds_back_too, an_end_is_noticed,
          off_is_off, any_story_comes_out_right]
EMULATED = [a_guests_timer_ticks, a_guest_wakes_from_its_sleep]
