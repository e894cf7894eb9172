# The machine's memory as a strip: what firmware says of it, and who has which part.
"""The memory map as a picture."""

from collections.abc import Sequence
from typing import Any

from pyhv.figures.paper import INK, Picture, fill, paper

MIB = 1 << 20
Area = tuple[int, int, str]
"""Where it begins, where it ends (bytes, exclusive), and what it is."""
LEAST_LABEL = 0.05
"""An area narrower than this part of the strip has its name in the legend alone."""


def memory_map(
    rows: dict[str, Sequence[Area]], title: str = "The machine's memory"
) -> Picture:
    """Draw strips of memory, one below the other, over the same addresses.

    `rows` gives each strip's name and its areas; what lies between areas stays white. The same
    words in two strips are filled alike.

    >>> strips = {"firmware": [(0, 640 << 10, "RAM"), (1 << 20, 64 << 20, "RAM")],
    ...           "owner": [(16 << 20, 48 << 20, "dom0")]}
    >>> [text.get_text() for text in memory_map(strips).axes[0].get_legend().get_texts()]
    ['RAM', 'dom0']
    """
    kinds = list(dict.fromkeys(what for areas in rows.values() for _, _, what in areas))
    end = max(stop for areas in rows.values() for _, stop, _ in areas)
    with paper(8.0, 1.1 + 0.62 * len(rows)) as (figure, axes):
        handles: dict[str, Any] = {}
        for line, areas in enumerate(rows.values()):
            for start, stop, what in areas:
                bar = axes.barh(line, (stop - start) / MIB, left=start / MIB, height=0.62,
                                **fill(kinds.index(what)))
                handles.setdefault(what, bar)
                if (stop - start) / end > LEAST_LABEL:
                    axes.text((start + stop) / 2 / MIB, line, what, ha="center", va="center",
                              fontsize=8.5, color=INK,
                              bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
        figure.words = "; ".join(
            f"{name}: " + ", ".join(f"{what} from {start / MIB:g} to {stop / MIB:g} MiB"
                                    for start, stop, what in areas) for name, areas in rows.items())
        axes.set_yticks(range(len(rows)), list(rows))
        axes.invert_yaxis()
        axes.set_xlim(0, end / MIB)
        axes.set_xlabel("machine address, MiB")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        axes.legend(handles.values(), handles, loc="upper left", bbox_to_anchor=(1.0, 1.0),
                    frameon=False, handlelength=1.6, handleheight=1.1)
    return figure
