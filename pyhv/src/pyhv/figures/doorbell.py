# One ring of a doorbell, from the hand on it to the answer: what the trace has of each step.
"""A bell's way as a picture."""

from collections.abc import Iterable
from typing import Any

from pyhv.errors import WrongArgument
from pyhv.figures.paper import FAINT, INK, MARK, Picture, fill, paper
from pyhv.trace.event import Event

Step = tuple[int, str, int]
"""When (ns), what, and which lane: 0 who rings, 1 the hypervisor, 2 who is rung."""
ENTERS = "enters it with the upcall"


def ring_of(events: Iterable[Event], ringer: int, rung: int) -> list[Step]:
    """Return the steps of the first ring by which `ringer` woke `rung`, as far as the trace has it.

    The bell, the pending bit with its wake-up, the upcall as the vCPU gets its pCPU, what its
    handler asks first, and how it ends: by a bell in turn, or asleep. Raises WrongArgument where
    there is none.

    >>> said = [(10, "event_sent", 0, {"port": 4}), (38, "vcpu_woken", 3, {}),
    ...         (90, "vcpu_blocked", 0, {}), (95, "vcpu_scheduled", 3, {}),
    ...         (300, "hypercall_made", 3, {"call": 32}), (340, "event_sent", 3, {"port": 1})]
    >>> events = [Event(time, 0, domain, 0, "", name, fields)
    ...           for time, name, domain, fields in said]
    >>> for step in ring_of(events, 0, 3):
    ...     print(*step)
    10 rings port 4 0
    38 sets the pending bit, wakes it 1
    95 enters it with the upcall 1
    300 its handler asks for 32 2
    340 rings port 1 in turn 2
    """
    there = list(events)
    for at, event in enumerate(there):
        if not _is(event, "event_sent", ringer):
            continue
        after = there[at + 1:]
        # On the ringer's pCPU nothing comes between the bell and the waking that it brought about
        woken = next((each for each in after if each.cpu == event.cpu), None)
        if woken is not None and _is(woken, "vcpu_woken", rung):
            return [(event.time, f"rings port {event.fields['port']}", 0),
                    (woken.time, "sets the pending bit, wakes it", 1),
                    *_answer(after[after.index(woken) + 1:], rung)]
    raise WrongArgument(f"d{ringer} woke d{rung} by no bell in this trace: record with "
                        'hv.trace("bells", "turns", "hypercalls") while it sleeps')


def _answer(after: list[Event], rung: int) -> list[Step]:
    steps: list[Step] = []
    runs = _next(after, "vcpu_scheduled", rung)
    if runs is None:
        return steps
    steps.append((runs.time, ENTERS, 1))
    rest = after[after.index(runs) + 1:]
    if asks := _next(rest, "hypercall_made", rung):
        what = asks.words.get("call", str(asks.fields["call"]))
        steps.append((asks.time, f"its handler asks for {what}", 2))
    for event in rest:
        if _is(event, "event_sent", rung):
            steps.append((event.time, f"rings port {event.fields['port']} in turn", 2))
        elif _is(event, "vcpu_blocked", rung):
            steps.append((event.time, "sleeps again", 2))
        else:
            continue
        break
    return steps


def _is(event: Event, name: str, domain: int) -> bool:
    return event.name == name and event.domain == domain


def _next(events: list[Event], name: str, domain: int) -> Event | None:
    return next((event for event in events if _is(event, name, domain)), None)


def doorbell(events: Iterable[Event], ringer: int, rung: int) -> Picture:
    """Draw the first ring by which one domain woke another, step by step, on a line of time."""
    steps = ring_of(events, ringer, rung)
    start, end = steps[0][0], steps[-1][0]
    lanes = (f"d{ringer}", "the hypervisor", f"d{rung}")
    with paper(8.4, 3.4) as (figure, axes):
        for lane in range(3):
            axes.axhline(2 - lane, color=FAINT, linewidth=0.8, zorder=0)
        _draw_turn(axes, steps, start)
        at = [(time - start) / 1e3 for time, _, _ in steps]
        for number, ((_, what, lane), x) in enumerate(zip(steps, at, strict=True)):
            if number:
                axes.annotate("", (x, 2 - lane), (at[number - 1], 2 - steps[number - 1][2]),
                              arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.9,
                                          "shrinkA": 4, "shrinkB": 4})
            axes.plot(x, 2 - lane, marker="o", markersize=5, color=MARK if number == 0 else INK,
                      zorder=4)
            _say(axes, f"{x:,.1f} µs  {what}", x, 2 - lane, number, at[-1])
        figure.words = f"d{ringer} rings d{rung}: " + "; ".join(
            f"after {x:,.1f} µs {lanes[lane]} {what}"
            for (_, what, lane), x in zip(steps, at, strict=True))
        axes.set_yticks([2, 1, 0], lanes)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(-0.75, 2.6)
        axes.set_xlim(-0.02 * (end - start) / 1e3, (end - start) / 1e3 * 1.03 or 1)
        axes.set_xlabel("µs since the bell was rung")
        axes.set_title(f"One bell: d{ringer} rings d{rung}")
    return figure


def _draw_turn(axes: Any, steps: list[Step], start: int) -> None:
    """Draw a bar while the one that was rung has its pCPU."""
    turn = next((time for time, what, _ in steps if what == ENTERS), None)
    if turn is not None:
        axes.barh(0, (steps[-1][0] - turn) / 1e3, left=(turn - start) / 1e3, height=0.22,
                  zorder=1, **fill(0))


def _say(axes: Any, text: str, x: float, y: float, number: int, last: float) -> None:
    late = x > 0.55 * last
    above = number % 2 == 0
    axes.annotate(text, (x, y), xytext=(-6 if late else 6, 9 if above else -15), fontsize=8.5,
                  textcoords="offset points", ha="right" if late else "left", zorder=5,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
