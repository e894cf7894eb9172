# A trace as pictures: who ran where, why guests came to the hypervisor, and one domain's life.
"""Figures of a trace. White paper, precise lines, and never by colour alone."""

from collections import Counter
from typing import TYPE_CHECKING

from pyhv.errors import WrongArgument
from pyhv.figures.paper import INK, paper
from pyhv.trace.event import Event
from pyhv.trace.trace import Trace
from pyhv.trace.turns import Stretch, stretches

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY, PALE = "#767676", "#e9e9e6"
# Each domain has a shade and a hatch of its own, so that print and every eye tell them apart.
SHADES = [("#24476b", ""), ("#c8702a", "////"), ("#3f7d58", "...."), ("#8a4f8f", "\\\\\\\\"),
          ("#9a8b2f", "xxxx"), ("#4a8fa8", "||||"), ("#a33b3b", "----"), ("#5b5b5b", "++++")]
WIDTH = 9.0


def draw(trace: Trace, kind: str, domain: int | None) -> "Figure":
    """Return the figure of that kind. Raises WrongArgument."""
    if kind == "turns":
        return turns(trace if domain is None else trace.about(domain))
    if kind == "exits":
        return exits(trace if domain is None else trace.about(domain))
    if kind == "life" and domain is not None:
        return life(trace, domain)
    raise WrongArgument(f"no figure {kind!r}: there are turns, exits, and life with a domain=")


def _paper(title: str, height: float, width: float = WIDTH) -> tuple["Figure", "Axes"]:
    with paper(width, height) as (figure, axes):
        figure.words = title
        axes.set_title(title)
        axes.tick_params(labelsize=8.5)
        axes.spines["left"].set_visible(False)
    return figure, axes


def _scale(span: int) -> tuple[float, str]:
    """Return ns per unit, and the unit that such a span is read in."""
    units = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"))
    return next((unit for unit in units if span >= unit[0] * 2), (1.0, "ns"))


def turns(trace: Trace) -> "Figure":
    """Return who had which pCPU above, and what each vCPU did below."""
    from matplotlib.patches import Patch

    spans = list(stretches(trace))
    if not any(each.state == "runs" for each in spans):
        raise WrongArgument('nobody took a turn in this trace: record with hv.trace("turns")')
    start, end = min(s.start for s in spans), max(s.end for s in spans)
    per, unit = _scale(end - start)
    cpus = sorted({s.cpu for s in spans if s.state == "runs"})
    vcpus = sorted({(s.domain, s.vcpu) for s in spans})
    lanes = {("pCPU", cpu): row for row, cpu in enumerate(cpus)}
    lanes |= {who: row + len(cpus) + 0.6 for row, who in enumerate(vcpus)}
    figure, axes = _paper("Who ran where", 1.5 + 0.42 * len(lanes))
    for row in lanes.values():
        axes.axhline(row, color=PALE, linewidth=0.8, zorder=0)
    for each in spans:
        _draw_stretch(axes, each, lanes, start, per)
    axes.set_yticks(list(lanes.values()), [
        f"pCPU {lane[1]}" if lane[0] == "pCPU" else f"d{lane[0]} v{lane[1]}" for lane in lanes
    ])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(max(lanes.values()) + 0.6, -0.6)
    axes.set_xlim(0, (end - start) / per or 1)
    axes.set_xlabel(f"{unit} since {start / 1e6:,.3f} ms of machine time", fontsize=8.5, color=INK)
    domains = sorted({domain for domain, _ in vcpus})
    keys = [Patch(facecolor=_shade(d)[0], hatch=_shade(d)[1], edgecolor="white", linewidth=0,
                  label=f"d{d} runs") for d in domains]
    keys += [Patch(facecolor="white", edgecolor=INK, linewidth=0.6, label="waits for a pCPU")]
    figure.legend(handles=keys, loc="outside lower left", ncols=min(len(keys), 6), frameon=False,
                  fontsize=8.5, handlelength=1.8)
    return figure


def _shade(domain: int) -> tuple[str, str]:
    return SHADES[domain % len(SHADES)]


def _draw_stretch(axes: "Axes", each: Stretch, lanes: dict, start: int, per: float) -> None:
    """Draw a bar where it runs, an empty box where it waits, and nothing where it sleeps."""
    at, length = (each.start - start) / per, (each.end - each.start) / per
    row = lanes[each.domain, each.vcpu]
    if each.state == "runs":
        shade, hatch = _shade(each.domain)
        for lane in (lanes["pCPU", each.cpu], row):
            axes.barh(lane, length, left=at, height=0.56, color=shade, hatch=hatch,
                      edgecolor="white", linewidth=0)
    elif each.state == "waits":
        axes.barh(row, length, left=at, height=0.3, color="white", edgecolor=INK, linewidth=0.5)
    elif each.state == "is down":
        axes.plot([at, at + length], [row, row], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))


def exits(trace: Trace) -> "Figure":
    """Return how often guests came to the hypervisor, by reason."""
    counts = Counter(_reason(event) for event in trace
                     if event.name in ("vcpu_exited", "hypercall_made"))
    if not counts:
        raise WrongArgument('nobody came in this trace: record with hv.trace("exits")')
    ordered = counts.most_common()[::-1]
    total = sum(counts.values())
    figure, axes = _paper(f"Why guests came to me: {total:,} exits", 1.2 + 0.3 * len(ordered), 7.5)
    dark = ["#24476b" if name.startswith("hypercall") else "#a9b7c4" for name, _ in ordered]
    bars = axes.barh([name for name, _ in ordered], [count for _, count in ordered], height=0.62,
                     color=dark, edgecolor=INK, linewidth=0.5)
    axes.bar_label(bars, [f" {count:,}  {count / total:.0%}" for _, count in ordered],
                   fontsize=8.5, color=INK, padding=2)
    axes.set_xlim(0, max(counts.values()) * 1.22)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.axvline(0, color=INK, linewidth=0.6)
    return figure


def _reason(event: Event) -> str:
    if event.name == "hypercall_made":
        return f"hypercall {event.words.get('call', event.fields['call'])}"
    return event.words.get("exit", str(event.fields["exit"]))


def life(trace: Trace, domain: int) -> "Figure":
    """Return the turning points of a domain's life, on a line of time."""
    points = [event for event in trace.about(domain) if not event.frequent]
    if not points:
        raise WrongArgument(f"the trace tells nothing of d{domain}")
    start, end = points[0].time, points[-1].time
    per, unit = _scale(end - start)
    figure, axes = _paper(f"The life of d{domain}", 1.1 + 0.34 * len(points))
    _draw_pauses(axes, points, start, per)
    reach = (end - start) / per or 1
    axes.plot([0, reach], [0, 0], color=INK, linewidth=1.2, solid_capstyle="butt")
    for row, event in enumerate(points):
        at = (event.time - start) / per
        axes.plot([at, at], [0, row + 1], color=GREY, linewidth=0.6, zorder=0)
        axes.plot(at, 0, marker="o", markersize=4, color=INK, zorder=4)
        left = at > reach / 2
        axes.annotate(f"{at:,.4g} {unit}  {event.sentence}", (at, row + 1), fontsize=8,
                      color=INK, va="center", ha="right" if left else "left",
                      xytext=(-4 if left else 4, 0), textcoords="offset points",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    axes.set_ylim(len(points) + 0.7, -0.7)
    axes.set_xlim(-reach * 0.02, reach * 1.02)
    axes.yaxis.set_visible(False)
    axes.set_xlabel(f"{unit} since the first word of it", fontsize=8.5, color=INK)
    return figure


def _draw_pauses(axes: "Axes", points: list[Event], start: int, per: float) -> None:
    """Draw the gaps that the domain does not know of, dashed."""
    since: int | None = None
    for event in points:
        if event.name == "domain_paused":
            since = event.time
        elif event.name == "domain_unpaused" and since is not None:
            axes.barh(0, (event.time - since) / per, left=(since - start) / per, height=0.5,
                      facecolor="white", edgecolor=INK, linewidth=0.8, linestyle="--", zorder=3)
            if (event.time - since) * 4 > points[-1].time - start:  # else the words stick out
                axes.annotate("a gap that it does not know of",
                              ((event.time + since - 2 * start) / 2 / per, 0), fontsize=7.5,
                              color=INK, ha="center", va="center", zorder=4)
            since = None
