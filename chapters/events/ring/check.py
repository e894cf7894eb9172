# What a front asks the reader's back, in good faith and in bad, and a second back beside it.
"""The points of the lab *ring*: each says what it expects, then what came.

A story is steps, their numbers in hexadecimal: `base:fffffffc` (where all indices begin), `ask:5`
(the front asks for one number, the sixth, and shows that), `far:3f` (for two, from the 64th on),
`claim:9` (it says that 9 are unanswered), `want:2` (it wants a bell for the second answer from
here), `take`, `put:7`, `push`, `sleep` and `serve` (the reader's five functions). A seed above 1
draws what a request must begin at, and another status.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

STORIES = 300
SIZE, TABLE = 8, 64
WORD = 1 << 32
STATUSES = {-22: "EINVAL", -5: "EIO", -7: "E2BIG", -34: "ERANGE"}


class Rules(NamedTuple):
    """What a request's first number is a multiple of, and what a refusal is answered with."""

    multiple: int
    status: int


def _rules(seed: int) -> Rules:
    """Return the book's rules for seed 1, others for the others."""
    if seed == 1:
        return Rules(1, -22)
    die = random.Random(seed)
    return Rules(die.choice([2, 4, 8]), die.choice([each for each in STATUSES if each != -22]))


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    multiple, status = _rules(seed)
    return (f"The first number that a request asks for is a multiple of {multiple}; another "
            f"request is refused like one that leads out of the table.\n\nWhat is refused is "
            f"answered by {status} ({STATUSES[status]}), not by `invalid`.")


class Back:
    """A page, and the end that answers, as plain numbers."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.slots = [[0, 0, 0] for _ in range(SIZE)]
        self.answers: list[tuple[int, int]] = []
        self.do_base(0)

    def live(self, story: str) -> str:
        """Live through a story, and return what came of it, in the probe's words."""
        said = []
        for step in story.split():
            word, _, number = step.partition(":")
            said.append(getattr(self, f"do_{word}")(*([int(number, 16)] if number else [])))
        told = "".join(f"{one}={status}." for one, status in self.answers)
        return " ".join([*filter(None, said), f"answers:{told} shown:{self.rsp_prod} "
                                              f"wants:{self.req_event}"])

    def do_base(self, base: int) -> None:
        """Begin all indices there."""
        self.asked = self.req_prod = self.rsp_prod = self.heard = self.told = self.shown = base
        self.req_event = self.rsp_event = (base + 1) % WORD

    def _lay(self, first: int, count: int) -> None:
        self.slots[self.asked % SIZE] = [self.asked, first, count]
        self.req_prod = self.asked = (self.asked + 1) % WORD

    def do_ask(self, number: int) -> None:
        """Ask for a number."""
        self._lay(number % TABLE, 1)

    def do_far(self, first: int) -> None:
        """Ask for two numbers."""
        self._lay(first, 2)

    def do_claim(self, count: int) -> None:
        """Say that so many are unanswered."""
        self.req_prod = (self.told + count) % WORD

    def do_want(self, count: int) -> None:
        """Want a bell for that answer."""
        self.rsp_event = (self.shown + count) % WORD

    def _take(self) -> str | list[int]:
        unanswered = (self.req_prod - self.told) % WORD
        if unanswered > SIZE or unanswered < (self.heard - self.told) % WORD:
            return "liar"
        if self.req_prod == self.heard:
            return "none"
        self.heard = (self.heard + 1) % WORD
        return list(self.slots[(self.heard - 1) % SIZE])

    def do_take(self) -> str:
        """Take a request."""
        taken = self._take()
        return taken if isinstance(taken, str) else f"request-{taken[0]}"

    def do_put(self, number: int, status: int = 0) -> str:
        """Answer."""
        if self.told == self.heard:
            return "no-more"
        self.slots[self.told % SIZE][:2] = [number, status % WORD]
        self.answers.append((number, status))
        self.told = (self.told + 1) % WORD
        return "put"

    def do_push(self) -> str:
        """Show the answers."""
        before, self.shown, self.rsp_prod = self.shown, self.told, self.told
        return "bell" if (self.told - self.rsp_event) % WORD < (self.told - before) % WORD else (
            "still")

    def do_sleep(self) -> str:
        """Ask for a bell, and look once more."""
        self.req_event = (self.heard + 1) % WORD
        return "stay" if self.req_prod != self.heard else "sleep"

    def do_serve(self) -> str:
        """Answer all that is asked."""
        while not isinstance(taken := self._take(), str):
            number, first, count = taken
            fits = first <= TABLE and count <= TABLE - first and first % self.rules.multiple == 0
            self.do_put(number, 0 if fits else self.rules.status)
        return "served" if taken == "none" else "liar"


def _ask(bench: Any, *stories: str) -> Iterator[Any]:
    """Yield that all stories come out right; then that, or the first that does not."""
    right = f"{len(stories)} of {len(stories)} stories are right"
    yield right
    answers = bench.probe("".join(f"{story}\n" for story in stories)).splitlines()
    for story, answer in zip(stories, answers, strict=True):
        wanted = Back(_rules(bench.seed)).live(story)
        if answer.strip() != wanted:
            yield f"of the story {story} you made {answer.strip()}; right is {wanted}"
    yield right


def requests_come_in_their_order(bench: Any) -> Iterator[Any]:
    """The next one is number own.heard, in the slot of that number; then there is one fewer."""
    some = " ".join(f"ask:{bench.die.randrange(64):x}" for _ in range(3))
    return _ask(bench, f"{some} take take take take", "take ask:1 take take")


def there_are_no_answers_without_a_request(bench: Any) -> Iterator[Any]:
    """Of those that were taken, own.told have an answer. It lies where a request lay before."""
    return _ask(bench, "put:1 ask:1 put:2 take put:3 put:4", "ask:1 ask:2 take take put:7 put:8")


def who_promises_too_much_is_a_liar(bench: Any) -> Iterator[Any]:
    """Eight fit. An index may be anything at all, and may go back behind what you took."""
    more = bench.die.randrange(10, 1 << 31)
    return _ask(bench, "claim:8 take claim:9 take", f"claim:{more:x} take serve",
                "claim:ffffffff take", "ask:1 ask:2 take take claim:1 take",
                "base:fffffffe claim:9 take claim:8 take")


def indices_come_round(bench: Any) -> Iterator[Any]:
    """After 4,294,967,295 comes 0: compare differences, never the indices themselves."""
    return _ask(bench, "base:fffffffe ask:1 ask:2 ask:3 ask:4 take take take take take",
                "base:ffffffff ask:1 ask:2 serve push sleep", "base:fffffffe ask:1 claim:4 serve")


def what_leads_out_of_the_table_is_refused(bench: Any) -> Iterator[Any]:
    """first + count may come round to 0: ask whether count still fits behind first."""
    first = bench.die.randrange(65, 1 << 31)
    return _ask(bench, "far:3e serve", "far:3f serve", f"ask:5 far:{first:x} ask:6 serve",
                "far:ffffffff serve", "far:fffffffe serve")


def a_bell_rings_when_it_is_wanted(bench: Any) -> Iterator[Any]:
    """The front names one response: is it among those that were shown just now?"""
    two = "ask:1 ask:2 take take put:0 put:1"
    return _ask(bench, f"{two} push push", f"{two} want:2 push", f"{two} want:3 push",
                f"{two} want:0 push", f"base:ffffffff {two} want:2 push", "push")


def the_next_request_is_asked_for(bench: Any) -> Iterator[Any]:
    """req_event is the number of the request at which you want to be rung: one past own.heard."""
    return _ask(bench, "sleep", "ask:1 sleep take sleep", "base:ffffffff sleep ask:1 take sleep")


FAULTS = {"you delivered what lies beyond the table": "a request was changed between two looks of "
          "yours: you tried the first, and delivered by the second"}


def _orders(bench: Any, scene: str, first: str, ends: str) -> Iterator[Any]:
    """Play every order of a scene; but `first` a story without which there is nothing to lose."""
    right = "fine in every order"
    yield right
    if ends not in bench.probe(f"{first}\n"):
        yield f"the story {first} has no {ends} in it yet"
    answer = bench.probe(f"orders {scene}\n").strip()
    yield right if answer == "fine" else FAULTS.get(answer, answer)


def no_request_is_slept_through(bench: Any) -> Iterator[Any]:
    """First say where you want a bell, then look. The front shows, and looks then."""
    return _orders(bench, "bell", "ask:8 serve", "0=0.")


def no_answer_is_kept_back(bench: Any) -> Iterator[Any]:
    """First show, then look whether a bell is wanted. The front asks, and looks then."""
    return _orders(bench, "answer", "ask:8 serve push", "bell")


def a_request_is_looked_at_once(bench: Any) -> Iterator[Any]:
    """A slot is the front's as much as yours. Copy it, and believe the copy alone."""
    return _orders(bench, "twice", "ask:8 serve", "0=0.")


def any_story_comes_out_right(bench: Any) -> Iterator[Any]:
    """Take the story that went wrong, and write down seven indices after each step."""
    return _ask(bench, *(_any_story(bench.die) for _ in range(STORIES)))


def _any_story(die: random.Random) -> str:
    def some_step() -> str:
        word = die.choice(["ask"] * 6 + ["take"] * 4 + ["put"] * 4 + ["push"] * 3 + [
            "far", "claim", "want", "want", "sleep", "serve"])
        numbers = {"ask": die.randrange(64), "far": die.choice([3, 48, 62, 63, 64, 65, WORD - 1]),
                   "claim": die.choice([0, 1, 3, 8, 9, WORD - 1]), "want": die.randrange(4),
                   "put": die.randrange(100)}
        return f"{word}:{numbers[word]:x}" if word in numbers else word

    base = die.choice([0, 0, 5, WORD - 1, WORD - 4])
    return " ".join([f"base:{base:x}", *(some_step() for _ in range(25))])


HOSTED = [requests_come_in_their_order, there_are_no_answers_without_a_request,
          who_promises_too_much_is_a_liar, indices_come_round,
          what_leads_out_of_the_table_is_refused, a_bell_rings_when_it_is_wanted,
          the_next_request_is_asked_for, no_request_is_slept_through, no_answer_is_kept_back,
          a_request_is_looked_at_once, any_story_comes_out_right]
