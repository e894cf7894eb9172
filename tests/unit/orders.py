# Takes every step from every state: an explorer of small models, which tells a shortest way.
"""Every order in which the actors of a small model can take their steps."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

State = Any  # a NamedTuple of small numbers, with `at`: where each actor stands
Move = tuple[State, str]  # what an actor's step leaves, and where the actor stands then


class Model(Protocol):
    """What `explore` needs: a first state, actors, and what an end must look like."""

    start: State
    actors: dict[str, Callable[[State, str], Move | None]]

    def settled(self, s: State) -> bool:
        """Return whether nothing is left undone where nobody can go on."""


@dataclass
class Explored:
    """What was found: how many states, and a shortest way to a lost wake-up, if there is one."""

    states: int
    lost: list[tuple[str, State, State]] = field(default_factory=list)

    def story(self) -> str:
        """Return the way there, a line for each step: who, which function, what it changed."""
        lines = []
        for actor, before, after in self.lost:
            changed = [
                f"{name} {was} to {now}"
                for name, was, now in zip(before._fields, before, after, strict=True)
                if was != now and name != "at"
            ]
            lines.append(f"{actor:9} {before.at[actor]:22} {', '.join(changed) or '-'}".rstrip())
        return "\n".join(lines)


class Places(tuple):
    """Where each actor stands, by its name."""

    __slots__ = ()

    def __getitem__(self, actor: str) -> str:  # type: ignore[override]
        return dict(self)[actor]

    def but(self, actor: str, place: str) -> "Places":
        """Return the same with one actor elsewhere."""
        return Places((name, place if name == actor else old) for name, old in self)


def explore(model: Model) -> Explored:
    """Take every step from every state, the nearest first, until one has lost a wake-up."""
    came_from: dict[State, tuple[str, State] | None] = {model.start: None}
    waiting = deque([model.start])
    while waiting:
        state = waiting.popleft()
        stuck = True
        for actor, step in model.actors.items():
            move = step(state, state.at[actor])
            if move is None:
                continue
            stuck = False
            after = move[0]._replace(at=state.at.but(actor, move[1]))
            if after not in came_from:
                came_from[after] = (actor, state)
                waiting.append(after)
        if stuck and not model.settled(state):
            return Explored(len(came_from), _way_to(state, came_from))
    return Explored(len(came_from))


def _way_to(
    state: State, came_from: dict[State, tuple[str, State] | None]
) -> list[tuple[str, State, State]]:
    way = []
    while (origin := came_from[state]) is not None:
        way.append((origin[0], origin[1], state))
        state = origin[1]
    return way[::-1]
