# Who holds whom: domains, and the pages that they lend each other.
"""Promises as a picture."""

from collections.abc import Iterable, Mapping
from math import cos, hypot, pi, sin
from typing import Any

from pyhv.api.grants import Grant
from pyhv.figures.paper import FAINT, INK, MARK, Picture, paper

Place = tuple[float, float]
LINES: dict[str, dict[str, Any]] = {
    "rw": {"linewidth": 1.8, "linestyle": "-"},
    "ro": {"linewidth": 0.9, "linestyle": "-"},
    "": {"linewidth": 0.9, "linestyle": (0, (4, 3))},
}
"""How a promise is drawn: held to write, held to read, and held by nobody."""
MOST_NAMED = 3
"""So many references are named at one line; of more, how many there are."""


def holders(grants: Iterable[Grant], lives: Mapping[int, str]) -> Picture:
    """Draw an arrow from each domain to those whose pages it has, or may have.

    `lives` says what the domains are, by number: "alive", "dying". A dying one's outline is dashed,
    and so is the arrow of a promise that nobody has taken up.

    >>> held = Grant(1, 42, 2, 0x110, True, "page", reading=True, writing=True)
    >>> holders([held], {1: "dying", 2: "alive"})
    <picture: d2 holds 1 page of d1 (rw: reference 42); d1 is dying>
    """
    lines = _bundles(grants)
    there = sorted({*lives, *(end for ends in lines for end in ends[:2])})
    with paper(6.4, 3.6 if len(there) > 2 else 2.0) as (figure, axes):
        places = _circle(there)
        for number, at in places.items():
            _box(axes, f"d{number}", lives.get(number, "gone"), at)
        for (holder, owner, held), refs in lines.items():
            _arrow(axes, places[holder], places[owner], held, _named(refs, held))
        figure.words = _words(lines, lives)
        axes.set_xlim(-1.75, 1.75)
        axes.set_ylim(-0.95, 0.95)
        axes.axis("off")
        axes.set_title("Who holds whom")
    return figure


def _bundles(grants: Iterable[Grant]) -> dict[tuple[int, int, str], list[int]]:
    """Return the references by who has them, whose they are, and how they are held."""
    found: dict[tuple[int, int, str], list[int]] = {}
    for grant in grants:
        found.setdefault((grant.grantee, grant.owner, grant.held), []).append(grant.ref)
    return found


def _circle(numbers: list[int]) -> dict[int, Place]:
    """Return a place for each, on an ellipse, the first to the left."""
    step = 2 * pi / max(1, len(numbers))
    return {each: (-1.3 * cos(n * step), 0.62 * sin(n * step)) for n, each in enumerate(numbers)}


def _box(axes: Any, name: str, life: str, at: Place) -> None:
    alive = life not in ("dying", "gone")
    axes.text(*at, f"{name}\n{life}", ha="center", va="center", fontsize=10, zorder=4,
              color=INK if alive else MARK,
              bbox={"boxstyle": "round,pad=0.55", "facecolor": "white", "linewidth": 1.2,
                    "edgecolor": INK if alive else MARK, "linestyle": "-" if alive else "--"})


def _arrow(axes: Any, start: Place, end: Place, held: str, text: str) -> None:
    """Draw an arrow that bends to its left, so that the one back has a way of its own."""
    bend = {"rw": 0.16, "ro": 0.34, "": 0.5}[held]
    colour = INK if held else "#6b7080"
    axes.annotate("", end, start, zorder=2, arrowprops={
        "arrowstyle": "-|>", "color": colour, "shrinkA": 30, "shrinkB": 32,
        "connectionstyle": f"arc3,rad={bend}", **LINES[held]})
    across, up = end[0] - start[0], end[1] - start[1]
    aside = bend / 2
    middle = ((start[0] + end[0]) / 2 + aside * up, (start[1] + end[1]) / 2 - aside * across)
    axes.annotate(text, middle, fontsize=8.5, ha="center", va="center", color=colour, zorder=5,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
    if hypot(across, up) == 0:  # to itself
        axes.plot(*start, marker="o", markersize=60, markerfacecolor="none",
                  markeredgecolor=FAINT, zorder=1)


def _named(refs: list[int], held: str) -> str:
    what = ", ".join(str(ref) for ref in refs) if len(refs) <= MOST_NAMED else f"{len(refs)} pages"
    return f"{what} · {held}" if held else f"{what} · not taken up"


def _words(lines: dict[tuple[int, int, str], list[int]], lives: Mapping[int, str]) -> str:
    parts = []
    for (holder, owner, held), refs in lines.items():
        pages = f"{len(refs)} page{'s' * (len(refs) > 1)} of d{owner}"
        names = f"reference{'s' * (len(refs) > 1)} {', '.join(map(str, refs[:MOST_NAMED]))}"
        verb = f"holds {pages} ({held}: {names})" if held else f"may have {pages} ({names})"
        parts.append(f"d{holder} {verb}")
    parts += [f"d{number} is {life}" for number, life in lives.items()
              if life in ("dying", "crashed", "paused")]
    return "; ".join(parts) or "nobody holds a page of another's"
