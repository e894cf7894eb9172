# What stories the reader's bells live through, and a second set of bits that lives through them.
"""The points of the lab *wake*: each says what it expects, then what came.

A story is steps: `ring:5` (by a friend), `mask:5` and `open:5` (by the guest), `unmask:5`, `look`
(was the vCPU told?), `take` (its handler runs, and says which ports it found), `poll:5,7` (the
answer, and whether it sleeps; `300x5` is port 5, 300 times; `late` is a poll whose time is over),
`asleep`, `narrow` (a 32-bit guest), `orders:ring` (every order of that and what the guest does). A
seed above 1 draws other rules.
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from pyhv import sentences as say

STORIES = 200
EINVAL = -22
PORTS = 130


class Rules(NamedTuple):
    """How many ports a poll may name, how it looks at them, and whether each ring tells."""

    most: int
    all_looked_at: bool
    each_tells: bool


def _rules(seed: int) -> Rules:
    """Return the book's rules for seed 1, others for the others."""
    if seed == 1:
        return Rules(128, False, False)
    die = random.Random(seed)
    return Rules(die.randrange(20, 120), die.random() < 0.5, die.random() < 0.5)


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    most, all_looked_at, each_tells = _rules(seed)
    looked = ("`any_pending` changes, too: it looks at all ports that the list names, also behind "
              "one that is pending, and one that there is not is an error wherever it stands."
              if all_looked_at else "It looks at the ports as in the text.")
    tells = ("A ring at a port that is pending already does all that a first ring does."
             if each_tells else "A port that is pending already needs nothing, as in the text.")
    return f"A poll may name {most} ports, and no more.\n\n{looked}\n\n{tells}"


class Bells:
    """A guest's ports as sets of numbers."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.bits = 64
        self.pending: set[int] = set()
        self.mask: set[int] = set()
        self.words: set[int] = set()
        self.told = self.polling = self.sleeps = False
        self.polled = 0

    def live(self, story: str) -> str:
        """Live through a story, and return what came of it, in the probe's words."""
        said = []
        for step in story.split():
            word, _, rest = step.partition(":")
            said.append(getattr(self, f"do_{word}")(*([rest] if rest else [])))
        return " ".join(filter(None, said))

    def do_narrow(self) -> None:
        """Be a 32-bit guest."""
        self.bits = 32

    def _tell(self, port: int) -> None:
        if port // self.bits not in self.words:
            self.words.add(port // self.bits)
            # The flag, when it is new, interrupts: who sleeps is awake, for whatever it polls
            self.told, self.sleeps = True, self.sleeps and self.told

    def do_ring(self, text: str) -> None:
        """Set a port pending."""
        port = int(text)
        if port in self.pending and not self.rules.each_tells:
            return
        self.pending.add(port)
        if port not in self.mask:
            self._tell(port)
        if self.polling and self.polled in (0, port):
            self.polling = self.sleeps = False

    def do_mask(self, text: str) -> None:
        """Let the guest mask a port."""
        self.mask.add(int(text))

    def do_open(self, text: str) -> None:
        """Let the guest open a port by itself."""
        self.mask.discard(int(text))

    def do_unmask(self, text: str) -> None:
        """Open a port."""
        if int(text) in self.mask and int(text) in self.pending:
            self._tell(int(text))
        self.mask.discard(int(text))

    def do_look(self) -> str:
        """Say whether the vCPU is told to look."""
        return "told" if self.told else "quiet"

    def do_take(self) -> str:
        """Run the guest's handler."""
        if not self.told:
            return "none"
        served = sorted(port for port in self.pending - self.mask
                        if port // self.bits in self.words)
        self.told, self.words = False, set()
        self.pending -= set(served)
        return "".join(f"{port}." for port in served) or "none"

    def do_poll(self, text: str, *, late: bool = False) -> str:
        """Poll."""
        times, _, port = text.partition("x")
        ports = [int(port)] * int(times) if port else [int(one) for one in text.split(",")]
        if len(ports) > self.rules.most:
            return f"{EINVAL}/{'asleep' if self.sleeps else 'awake'}"
        self.polled = ports[0] if len(ports) == 1 else 0
        self.polling = self.sleeps = True
        answer, found = 0, False
        for port in ports:
            if not 1 <= port <= PORTS:
                answer = EINVAL
                break
            found = found or port in self.pending
            if found and not self.rules.all_looked_at:
                break
        if answer or found or late:
            self.polling = self.sleeps = False
        return f"{answer}/{'asleep' if self.sleeps else 'awake'}"

    def do_late(self, text: str) -> str:
        """Poll until a time that is over."""
        return self.do_poll(text, late=True)

    def do_asleep(self) -> str:
        """Say whether the vCPU sleeps."""
        return "asleep" if self.sleeps else "awake"


def _ask(bench: Any, *stories: str) -> Iterator[Any]:
    """Yield that all stories come out right; then that, or the first that does not."""
    right = f"{len(stories)} of {len(stories)} stories are right"
    yield right
    answers = bench.probe("".join(f"{story}\n" for story in stories)).splitlines()
    for story, answer in zip(stories, answers, strict=True):
        wanted, came = Bells(_rules(bench.seed)).live(story), " ".join(answer.split())
        if came != wanted:
            yield f"of the story {story} you made {came}; right is {wanted}"
    yield right


def _two(bench: Any) -> list[int]:
    """Draw two ports of different words."""
    return [bench.die.randrange(1, 31), bench.die.randrange(64, 95)]


def a_ring_is_told(bench: Any) -> Iterator[Any]:
    """The port's bit, then select(): what is told of too early is looked for too early."""
    one, other = _two(bench)
    return _ask(bench, f"look ring:{one} look take look", f"ring:{one} ring:{other} look take look",
                f"narrow ring:{other} look take ring:{one} take")


def a_second_ring_adds_nothing(bench: Any) -> Iterator[Any]:
    """set() returns what the bit was: a port that was pending has been told of."""
    one, other = _two(bench)
    return _ask(bench, f"ring:{one} ring:{one} take look take",
                f"mask:{one} ring:{one} ring:{one} look ring:{other} take look take",
                f"mask:{one} ring:{one} open:{one} ring:{one} look",
                f"mask:{one} ring:{one} poll:{other},{other + 1} ring:{one} asleep")


def a_masked_port_waits(bench: Any) -> Iterator[Any]:
    """The mask holds back the telling, not the pending bit."""
    one, other = _two(bench)
    return _ask(bench, f"mask:{one} ring:{one} look ring:{other} look take look",
                f"mask:{one} ring:{one} ring:{other} take take")


def an_unmasked_port_is_told(bench: Any) -> Iterator[Any]:
    """What waited behind the mask is told of as it opens, and what did not wait is not."""
    one, other = _two(bench)
    return _ask(bench, f"mask:{one} ring:{one} unmask:{one} look take look",
                f"mask:{one} unmask:{one} look unmask:{other} look ring:{one} take",
                f"mask:{one} ring:{one} unmask:{one} take unmask:{one} look")


def who_polls_is_woken(bench: Any) -> Iterator[Any]:
    """Masked or not. One port in the list: a ring there wakes; several: any ring does."""
    one, other = _two(bench)
    masks = f"mask:{one} mask:{one + 1} mask:{other}"
    return _ask(bench, f"{masks} poll:{one} ring:{other} asleep ring:{one} asleep look",
                f"poll:{one} ring:{other} asleep",
                f"{masks} poll:{one},{other} ring:{one + 1} asleep", f"ring:{one} poll:{one} take",
                f"ring:{other} poll:{one},{other} poll:{one} asleep")


def a_poll_that_cannot_be_is_refused(bench: Any) -> Iterator[Any]:
    """After an error, or when its time is over, it does not sleep, and nothing wakes it later."""
    one, other = _two(bench)
    most = _rules(bench.seed).most
    return _ask(bench, f"poll:{most}x{one} poll:{most + 1}x{one}", f"poll:{one},5000 asleep",
                f"poll:0 asleep ring:{one} asleep", f"ring:{one} poll:{one},5000 poll:5000,{one}",
                f"late:{one} asleep late:{one},{other}")


ORDERS = {
    "ring": "the bit was set when the handler was past it, and nobody told the guest to look again",
    "open": "the guest opened its mask and saw nothing pending; then the bit was set, and it was "
            "not told, as if the mask were closed still",
    "unmask": "the handler was told of the port and passed it over, for it was still masked; then "
              "the mask was opened, and nobody tells it again",
    "poll": "the bell rang after the vCPU had looked and before it was known to sleep: it sleeps, "
            "and its event waits",
}


def _orders(bench: Any, names: list[str], first: str, does: str) -> Iterator[Any]:
    """Play orders; but `first` a story whose end says that there is something to lose."""
    right = "nothing is lost in any order"
    yield right
    if does not in bench.probe(f"{first}\n"):
        yield f"the story {first} does not end with {does} yet"
    answers = bench.probe("".join(f"orders:{name}\n" for name in names)).splitlines()
    yield next((ORDERS[name] for name, answer in zip(names, answers, strict=True)
                if answer.strip() != "heard"), right)


def no_order_loses_a_ring(bench: Any) -> Iterator[Any]:
    """In set_pending(): first the bit, then a look at the mask, then the telling."""
    return _orders(bench, ["ring", "open"], "ring:5 look", "told")


def no_order_loses_what_waited(bench: Any) -> Iterator[Any]:
    """In unmask(): open the mask, then look whether something waits, then tell."""
    return _orders(bench, ["unmask"], "mask:5 ring:5 unmask:5 look", "told")


def no_order_loses_a_sleeper(bench: Any) -> Iterator[Any]:
    """In poll(): say that you sleep, then look. Who rings does it the other way round."""
    return _orders(bench, ["poll"], "poll:5", "asleep")


def any_story_comes_out_right(bench: Any) -> Iterator[Any]:
    """Take the story that went wrong, and write all bits down after each step."""
    return _ask(bench, *(_any_story(bench.die) for _ in range(STORIES)))


def _any_story(die: random.Random) -> str:
    def some_step() -> str:
        word = die.choice(["ring"] * 6 + ["take"] * 3 + ["mask", "mask", "open", "unmask", "poll",
                                                         "poll", "look", "asleep", "late"])
        port = die.choice([3, 4, 40, 70, 129])
        if word in ("poll", "late") and die.random() < 0.4:
            return f"{word}:{port},{die.choice([4, 70, 5000])}"
        return word if word in ("take", "look", "asleep") else f"{word}:{port}"

    first = "narrow" if die.random() < 0.2 else "look"
    return " ".join([first, *(some_step() for _ in range(30))])


def a_guest_is_heard(bench: Any) -> Iterator[Any]:
    """Each line that a guest prints rings a bell of dom0's, and each key one of the guest's."""
    yield "hello: I am awake"
    dom0 = bench.dom0()
    dom0.ask("create hello kernel=hello memory=16")
    yield bench.hear(dom0, "hello", say.HELLO[0])[0]


def its_end_is_heard(bench: Any) -> Iterator[Any]:
    """VIRQ_DOM_EXC is a bell, too: dom0 hears by it that a domain has ended."""
    yield "sleeper powered off"
    dom0 = bench.dom0()
    dom0.ask('create sleeper kernel=hello memory=16 cmdline="seconds=1"')
    said = dom0.expect(say.powered_off("sleeper"))[0]
    yield " ".join([said.split()[0], *said.split()[2:]])


HOSTED = [a_ring_is_told, a_second_ring_adds_nothing, a_masked_port_waits,
          an_unmasked_port_is_told, who_polls_is_woken, a_poll_that_cannot_be_is_refused,
          no_order_loses_a_ring, no_order_loses_what_waited, no_order_loses_a_sleeper,
          any_story_comes_out_right]
EMULATED = [a_guest_is_heard, its_end_is_heard]
