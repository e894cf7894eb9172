# The paper that every figure is drawn on: one hand throughout.
"""Colours, lines and letters that all figures share."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

INK = "#1f2430"
FAINT = "#c9ccd3"
FILLS = ("#dfe7f3", "#f3e5d3", "#e0efe2", "#efdfe9", "#eeeeee", "#f6f0c9", "#dff0f0", "#f2dede")
"""Fills for kinds that differ; each kind has a hatch or a word, too, for who sees no colours."""
HATCHES = ("", "////", "....", "xxxx", "----", "\\\\\\\\", "++", "oo")
MARK = "#b3402a"
"""For the one thing that the figure is about."""

STYLE = {
    "figure.facecolor": "white", "axes.facecolor": "white", "savefig.facecolor": "white",
    "figure.dpi": 110, "font.size": 9.5, "font.family": "sans-serif",
    "axes.edgecolor": INK, "axes.linewidth": 0.7, "axes.labelcolor": INK, "text.color": INK,
    "axes.titlesize": 11, "axes.titlelocation": "left", "axes.titlepad": 10,
    "axes.spines.top": False, "axes.spines.right": False,
    "xtick.color": INK, "ytick.color": INK, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "hatch.linewidth": 0.4, "hatch.color": "#8a8f9a", "lines.linewidth": 1.2,
}


class Picture(Figure):
    """A figure that shows itself in a notebook, and says in `words` what can be seen in it."""

    words = "a figure"

    def _repr_png_(self) -> bytes:
        with rc_context(STYLE):
            self.savefig(picture := io.BytesIO(), format="png", dpi=110)
        return picture.getvalue()

    def __repr__(self) -> str:
        return f"<picture: {self.words}>"


@contextmanager
def paper(width: float = 8.0, height: float = 3.2) -> Iterator[tuple[Picture, Any]]:
    """Give a picture of so many inches and its axes; no window is opened, and nothing is shown.

    >>> with paper() as (picture, axes):
    ...     _ = axes.set_title("a figure")
    >>> picture
    <picture: a figure>
    """
    with rc_context(STYLE):
        figure = Picture(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def fill(kind: int) -> dict[str, Any]:
    """Return how an area of the kind with that number is filled."""
    return {"facecolor": FILLS[kind % len(FILLS)], "hatch": HATCHES[kind % len(HATCHES)],
            "edgecolor": INK, "linewidth": 0.6}
