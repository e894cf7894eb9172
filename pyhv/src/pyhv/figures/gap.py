# A pause, as its guest could have noticed it: the clock runs on, and nobody was there.
"""The gap of a paused guest as a picture."""

from collections.abc import Sequence

from pyhv.figures.paper import FAINT, INK, MARK, Picture, paper


def gap(readings: Sequence[float], told: float | None = None) -> Picture:
    """Draw how long each look of a guest at its clock came after the one before.

    `readings` are the guest's own, in seconds, in their order; `told` is how long the hypervisor
    says that it held the guest. The largest step is the pause.

    >>> figure = gap([1.00, 1.01, 1.02, 3.52, 3.53], told=2.5)
    >>> figure.axes[0].get_title(loc="left")
    'Between two instructions: 2.50 s'
    """
    steps = [later - sooner for sooner, later in zip(readings, readings[1:], strict=False)]
    longest = max(range(len(steps)), key=steps.__getitem__)
    with paper(8.0, 3.0) as (figure, axes):
        axes.vlines(range(1, len(steps) + 1), 0, steps, color=INK, linewidth=1.0)
        axes.plot(longest + 1, steps[longest], marker="D", color=MARK, markersize=5)
        axes.annotate(f"look {longest + 1} came {steps[longest]:.2f} s late",
                      (longest + 1, steps[longest]), xytext=(8, -16), textcoords="offset points",
                      color=MARK)
        if told is not None:
            axes.axhline(told, color=FAINT, linestyle=(0, (4, 3)), linewidth=1.0, zorder=1)
            axes.annotate(f"the hypervisor: {told:.2f} s", (1, told),
                          xycoords=("axes fraction", "data"), ha="right", va="bottom",
                          fontsize=8.5, color="#6b7080")
        figure.words = (f"{len(steps)} steps of a guest's clock; step {longest + 1} takes "
                        f"{steps[longest]:.2f} s, the next longest {sorted(steps)[-2]:.2f} s")
        axes.set_xlim(0, len(steps) + 1)
        axes.set_ylim(0, max(steps[longest], told or 0) * 1.15)
        axes.set_xlabel("the guest's looks at its clock, in their order")
        axes.set_ylabel("seconds since the last look")
        axes.set_title(f"Between two instructions: {steps[longest]:.2f} s")
    return figure
