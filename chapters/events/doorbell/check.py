# What the reader's handler finds on its board, and each order in which the hypervisor rings.
"""The points of the lab *doorbell*: each says what it expects, then what came.

A story is a board: ports that are pending, ports that are masked, words that are selected. What
came of it is the ports that were served, in their order ("m": while masked), and what is left. A
seed above 1 draws another order, and what becomes of the mask.
"""

import random
from collections.abc import Iterator
from typing import Any

BOARDS = 200
ORDERS = {
    "lowest": "Ports are served from the lowest to the highest.",
    "highest": "Ports are served from the highest to the lowest.",
    "words down": "Words are gone through from the highest to the lowest, and in each word ports "
                  "are served from the lowest to the highest.",
}
MASKS = {
    "open": "What is served stays open.",
    "masked": "`answer` masks each port before it clears its pending bit, and leaves it masked: "
              "who asked for the service opens it, by `open`, when it is through.",
}
RIGHT = "each ring is heard, in every order"


def _rules(seed: int) -> tuple[str, str]:
    """Return the order of service, and what becomes of the mask: the book's for seed 1."""
    every = [(order, mask) for order in ORDERS for mask in MASKS]
    return every[0] if seed == 1 else random.Random(seed).choice(every[1:])


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    order, mask = _rules(seed)
    return f"{ORDERS[order]}\n\n{MASKS[mask]}"


def _line(rung: set[int], masked: set[int], selected: set[int], opened: int = 0) -> str:
    lists = (",".join(map(str, sorted(each))) or "-" for each in (rung, masked, selected))
    return f"story {' '.join(lists)} {opened}\n"


def _right(seed: int, rung: set[int], masked: set[int], selected: set[int],
           opened: int = 0) -> str:
    """Return what is right of a story, in the probe's words."""
    order, mask = _rules(seed)
    said = ""
    if opened:
        masked = masked - {opened}
        answers = opened in rung
        said = f"{str(answers).lower()} "
        if not answers:
            return said + _left(rung, "", flag=True, selector=bool(selected))
        selected = selected | {opened // 64}
    ports = [port for port in rung - masked if port // 64 in selected]
    ports.sort(reverse=order == "highest")
    if order == "words down":
        ports.sort(key=lambda port: (-(port // 64), port))
    served = "".join(f"{port}{'m' if mask == 'masked' else ''}." for port in ports)
    return said + _left(rung - set(ports), served)


def _left(left: set[int], served: str, *, flag: bool = False, selector: bool = False) -> str:
    return (f"{served or 'none'} left:" + "".join(f"{port}." for port in sorted(left))
            + (" flag" if flag else "") + (" selector" if selector else ""))


def _told(rung: set[int], masked: set[int], selected: set[int], opened: int = 0) -> str:
    return (f"of pending {sorted(rung)}, masked {sorted(masked)}, selected words "
            f"{sorted(selected)}" + (f", and open({opened}) before," if opened else ""))


def _ask(bench: Any, *boards: Any) -> Iterator[Any]:
    """Yield that all boards are answered; then that, or the first that is not."""
    right = f"{len(boards)} of {len(boards)} boards are answered as they should be"
    yield right
    answers = bench.probe("".join(_line(*board) for board in boards)).splitlines()
    for board, answer in zip(boards, answers, strict=True):
        wanted = _right(bench.seed, *board)
        if answer.strip() != wanted:
            yield f"{_told(*board)} you made {answer.strip()}; right is {wanted}"
    yield right


def _orders(bench: Any, *scenes: str) -> Iterator[Any]:
    yield RIGHT
    answers = bench.probe("".join(f"orders {scene}\n" for scene in scenes)).splitlines()
    yield next((answer for answer in answers if answer != "heard"), RIGHT)


def _ports(die: random.Random, count: int) -> set[int]:
    return {die.randrange(1, 4096) for _ in range(count)}


def what_rang_is_served(bench: Any) -> Iterator[Any]:
    """The selector says in which words to look; port 65 is bit 1 of the second word."""
    ports = _ports(bench.die, 5)
    one = bench.die.randrange(1, 64)
    return _ask(bench, ({one}, set(), {0}), (ports, set(), {port // 64 for port in ports}),
                ({1, 2, 63, 64, 127}, set(), {0, 1}))


def a_masked_port_waits(bench: Any) -> Iterator[Any]:
    """Pending and not masked: both words, bit by bit. What is not served stays pending."""
    die = bench.die
    return _ask(bench, ({5, 6}, {6}, {0}), ({70, 80}, {70, 80}, {1}),
                (set(range(10, 20)), {die.randrange(10, 20), die.randrange(10, 20)}, {0}))


def another_word_is_not_searched(bench: Any) -> Iterator[Any]:
    """Flag and selector are yours to clear, before all else; nothing else is looked for."""
    return _ask(bench, ({5, 70}, set(), {1}), (set(), set(), {0, 3}), ({5}, set(), set()))


def no_ring_is_lost_while_you_answer(bench: Any) -> Iterator[Any]:
    """Each is cleared before what it stands for is looked at: flag, selector, pending, service."""
    return _orders(bench, "same", "word", "other")


def an_opened_port_is_answered(bench: Any) -> Iterator[Any]:
    """True if it is pending; then the selector must lead answer() to its word. Else false."""
    port = bench.die.randrange(64, 4096)
    return _ask(bench, ({port}, {port}, set(), port), (set(), {port}, set(), port),
                ({5}, {port}, set(), port), ({port, 3}, {port, 3}, set(), port))


def no_ring_is_lost_while_you_open(bench: Any) -> Iterator[Any]:
    """Open first, then look: who rings sets the bit first, and then looks at the mask."""
    return _orders(bench, "behind", "open", "beside")


def who_waits_comes_back_for_a_ring(bench: Any) -> Iterator[Any]:
    """sleep_for() may come back for nothing: the pending bit alone says that it rang."""
    return _orders(bench, "wait", "early")


def no_ring_is_lost_while_you_wait(bench: Any) -> Iterator[Any]:
    """clear() returns what stood there: look and take are one step."""
    return _orders(bench, "rung", "again")


def any_board_is_answered(bench: Any) -> Iterator[Any]:
    """Draw the three rows of bits, and go through them with a pencil."""
    return _ask(bench, *(_any_board(bench.die) for _ in range(BOARDS)))


def _any_board(die: random.Random) -> tuple[set[int], set[int], set[int]]:
    base = die.choice([0, 1, 64, 4032])
    some = [base + die.randrange(1, 64) for _ in range(6)] + [die.randrange(1, 4096)]
    rung, masked = set(die.sample(some, 5)), set(die.sample(some, 2))
    return rung, masked, {port // 64 for port in die.sample(some, 4)}


def _heard(bench: Any, how: str) -> str:
    """Let two guests ring each other, once for all points, and return what the first says."""
    dom0 = bench.dom0()
    if "first" not in dom0.ask("list"):
        for name, other in (("first", 2), ("second", 1)):
            dom0.ask(f"create {name} kernel=doorbell memory=16 "
                     f'cmdline="role={name} with={other}"')
    return bench.hear(dom0, "first", rf"doorbell: \d+ rings {how}")[0]


def rings_are_heard_by_interrupt(bench: Any) -> Iterator[Any]:
    """One rings and waits, the other waits and rings: a single ring that is lost stops both."""
    yield "doorbell: 300 rings heard by interrupt"
    yield _heard(bench, "heard by interrupt")


def rings_are_heard_behind_a_mask(bench: Any) -> Iterator[Any]:
    """Each ring comes while the port is masked, or just as it is opened."""
    yield "doorbell: 300 rings heard behind a mask"
    yield _heard(bench, "heard behind a mask")


def rings_are_heard_by_poll(bench: Any) -> Iterator[Any]:
    """Here sleep_for() is SCHEDOP_poll, and no handler runs."""
    yield "doorbell: 300 rings heard by poll"
    yield _heard(bench, "heard by poll")


HOSTED = [what_rang_is_served, a_masked_port_waits, another_word_is_not_searched,
          no_ring_is_lost_while_you_answer, an_opened_port_is_answered,
          no_ring_is_lost_while_you_open, who_waits_comes_back_for_a_ring,
          no_ring_is_lost_while_you_wait, any_board_is_answered]
EMULATED = [rings_are_heard_by_interrupt, rings_are_heard_behind_a_mask, rings_are_heard_by_poll]
