# Two kinds of physical: where each piece of a domain's memory lies in the machine.
"""A domain's nested tables as a picture."""

from collections.abc import Sequence

from pyhv.figures.paper import FAINT, INK, MARK, Picture, paper

MIB = 1 << 20
Piece = tuple[int, int, int]
"""A guest physical address, the machine address that it leads to, and for how many bytes."""


def join(pieces: Sequence[Piece]) -> list[Piece]:
    """Put neighbours together where they are neighbours in both worlds.

    >>> join([(0, 0x8000, 0x1000), (0x1000, 0x9000, 0x1000), (0x2000, 0x1000, 0x1000)])
    [(0, 32768, 8192), (8192, 4096, 4096)]
    """
    joined: list[Piece] = []
    for gpa, mpa, count in sorted(pieces):
        if joined:
            first_gpa, first_mpa, before = joined[-1]
            if (first_gpa + before, first_mpa + before) == (gpa, mpa):
                joined[-1] = (first_gpa, first_mpa, before + count)
                continue
        joined.append((gpa, mpa, count))
    return joined


def places(domains: dict[str, Sequence[Piece]], machine_bytes: int) -> Picture:
    """Draw each domain's addresses across, and the machine's up; a line is what is mapped.

    A domain whose line is straight lies in one piece. `machine_bytes` is how much there is.

    >>> figure = places({"web": [(0, 0x800000, 0x400000)]}, 64 << 20)
    >>> len(figure.axes[0].lines)  # one piece, and the diagonal
    2
    """
    markers = "osD^v<>"
    most = max((gpa + count for pieces in domains.values() for gpa, _, count in pieces), default=1)
    with paper(6.4, 4.2) as (figure, axes):
        axes.annotate("the same number inside as out", (most / MIB, most / MIB), fontsize=8,
                      color="#8a8f9a", ha="right", va="bottom", xytext=(-2, 3),
                      textcoords="offset points")
        axes.axline((0, 0), slope=1, linestyle=(0, (2, 3)), linewidth=0.8, color=FAINT, zorder=1)
        for number, (name, pieces) in enumerate(domains.items()):
            colour = (INK, MARK, "#2f6a8f", "#4d7a46")[number % 4]
            for at, (gpa, mpa, count) in enumerate(join(pieces)):
                axes.plot([gpa / MIB, (gpa + count) / MIB], [mpa / MIB, (mpa + count) / MIB],
                          color=colour, marker=markers[number % len(markers)], markersize=3.5,
                          linewidth=1.6, label=name if at == 0 else "_more")
        figure.words = "; ".join(
            f"{name} lies in {len(join(pieces))} piece{'s' * (len(join(pieces)) > 1)}, "
            f"the first from {min(pieces)[1] / MIB:g} MiB on"
            for name, pieces in domains.items() if pieces)
        axes.set_xlim(0, most / MIB * 1.02)
        axes.set_ylim(0, machine_bytes / MIB)
        axes.set_xlabel("guest physical address, MiB")
        axes.set_ylabel("machine address, MiB")
        axes.set_title("Two kinds of physical")
        axes.legend(frameon=False)
    return figure
