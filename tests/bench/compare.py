# The bench: real Xen and Subfloor run one guest, and one table tells what each operation cost.
"""The command tests/bench/compare."""

import datetime
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Annotated

import figures
import functions
import guests
import linux_boot
import next_rip
import ours
import sizes
import typer
import xen_dom0
from pyhv import xen as judge
from pyhv.errors import Failure
from rich.console import Console
from rich.table import Table

console = Console(width=None if sys.stdout.isatty() else 140)
# Real Xen's dom0 boots in about 90 s on two slow cores, in QEMU.
XEN_TIMEOUT, OURS_TIMEOUT = 400, 120
EMULATORS = {
    "svm": ("QEMU", ["qemu-system-x86_64", "--version"]),
    # It tells its version whenever it starts, even in vain
    "vmx": ("Bochs", ["bochs", "-q", "-f", "/nonexistent"]),
}
Echo = Callable[[str], None]


def _run_xen(
    domains: list[guests.Guest], engine: str, echo: Echo, **how
) -> tuple[str, str]:
    """Run real Xen; on SVM a second time, as a copy that need not decode for a length."""
    said = xen_dom0.run(domains, XEN_TIMEOUT, echo, engine=engine, **how)
    if engine == "vmx":
        return said, said
    copy = next_rip.image(next_rip.address_of(said, xen_dom0.DECODER))
    return said, xen_dom0.run(domains, XEN_TIMEOUT, echo, copy, **how)


def measure_xen(echo: Echo, engine: str = "svm") -> tuple[figures.Figures, figures.Figures]:
    """Return real Xen's figures, and those without its decoding."""
    meter = ours.meter()
    runs = _run_xen(guests.meters(meter), engine, echo, idle=guests.sized(meter))
    text = sizes.text(xen_dom0.with_sections())
    asit, less = (figures.parse(said) | xen_dom0.memory(said) | text for said in runs)
    return asit, less


def _linux_exits(said: str, engine: str) -> figures.Figures:
    """Return how often Linux came to Xen, and to its ports, which are the PIT's nearly all."""
    exits = xen_dom0.exits(said)
    return {
        "linux-exits": figures.Figure(sum(exits.values())),
        "linux-ports": figures.Figure(exits.get(xen_dom0.AT_A_PORT[engine], 0)),
    }


def measure_xen_linux(echo: Echo, engine: str = "svm") -> tuple[figures.Figures, figures.Figures]:
    """Return what Linux's boot costs under real Xen, as it is and without its decoding."""
    runs = _run_xen([linux_boot.guest(ours.init())], engine, echo, traced=True)
    asit, less = (linux_boot.parse(said) | _linux_exits(said, engine) for said in runs)
    if engine == "svm":
        asit |= functions.linux_in_xen(None, XEN_TIMEOUT)
        less |= functions.linux_in_xen(next_rip.copy(), XEN_TIMEOUT)
    return asit, less


def measure_ours(echo: Echo, engine: str = "svm", traced: str = "") -> figures.Figures:
    """Return our figures."""
    meter = ours.meter()
    said = ours.run(guests.meters(meter), OURS_TIMEOUT, echo, engine, guests.sized(meter), traced)
    return figures.parse(said) | sizes.text(ours.image()) | ours.memory(said)


def measure_our_linux(echo: Echo, engine: str = "svm") -> figures.Figures:
    """Return what Linux's boot costs here."""
    domains = [linux_boot.guest(ours.init())]
    said = ours.run(domains, OURS_TIMEOUT, echo, engine)
    exits = figures.only(said, "linux-exits", r"take d1 apart. It came to me (\d+) times")
    inside = functions.linux_in_hypervisor(OURS_TIMEOUT) if engine == "svm" else {}
    total = linux_boot.parse(said)
    # A PIT that stands at zero ends the reading of its port at once
    return total | {"linux-total-less-ports": total["linux-total"]} | exits | inside


def _emulator(engine: str) -> str:
    """Return the emulator and its version."""
    name, words = EMULATORS[engine]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = re.search(r"(?:version|Emulator) (\S+)", done.stdout + done.stderr)
    return f"{name} {found[1]}"


def without_ports(column: figures.Figures) -> figures.Figures:
    """Return what Linux's boot costs without what its exits at ports cost, where they are known."""
    if not {"linux-total", "linux-ports", "dead-port"} <= set(column):
        return {}
    spent = column["linux-ports"].median * column["dead-port"].median / 1e6
    return {"linux-total-less-ports": figures.Figure(column["linux-total"].median - spent)}


def conditions(engine: str) -> dict[str, str]:
    """Return what a noted figure was measured with."""
    return {
        "day": f"{datetime.date.today():%Y-%m-%d}",
        "emulator": _emulator(engine),
        "xen": f"Xen {judge.fetch()[0].version}",
    }


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"


def show(table: list[figures.Row], engine: str) -> None:
    """Print the table; what meets its goal is green, what does not is red."""
    title = f"Instructions, medians, on {engine.upper()}: a tick of the TSC is an instruction"
    shown = Table(title=title)
    shown.add_column("operation", no_wrap=True)
    for head in ("floor", "Xen", "p99", "less decoding", "ours", "p99", "ratio", "goal"):
        shown.add_column(head, justify="right")
    for row in table:
        met = row.goal is not None and row.ours is not None and row.ours <= row.goal
        color = "green" if met else "red" if row.goal is not None else "default"
        unit = "" if row.unit == "instructions" else f" ({row.unit})"
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        shown.add_row(
            row.title + unit, _number(row.floor), _number(row.xen), _number(row.xen_p99),
            _number(row.xen_less_decoding), f"[{color}]{_number(row.ours)}[/]",
            _number(row.ours_p99), ratio, _number(row.goal),
        )
    console.print(shown)
    for row in table:
        if row.why is not None:
            what = "No goal for" if row.goal is None else "Why not less for"
            console.print(f"{what} {row.title}: {row.why}.")


def main(
    engine: Annotated[str, typer.Option(help="svm in QEMU, or vmx in Bochs: minutes more.")]
    = "svm",
    only_ours: Annotated[bool, typer.Option(help="Leave real Xen out: seconds, not minutes.")]
    = False,
    linux: Annotated[bool, typer.Option(help="Boot Linux under both as well: minutes more.")]
    = False,
    note: Annotated[bool, typer.Option(help="Note the figures in tests/bench/today.toml.")]
    = False,
    traced: Annotated[str, typer.Option(help="Note such events meanwhile, to see what that costs: "
                                        "\"domains events\", or \"exits\".")] = "",
    verbose: Annotated[bool, typer.Option(help="Show what the machines say.")] = False,
) -> None:
    """Run one guest on real Xen 4.17 and on Subfloor, and compare what its operations cost.

    On SVM, Xen runs twice: as it is, and as a copy that need not decode instructions to learn
    their length, which it does only because QEMU has no next-RIP. On VMX the CPU tells lengths.
    Writes build/bench.json, or build/bench-vmx.json.
    """
    if engine not in figures.ENGINES:
        raise typer.BadParameter(f"{engine} is no engine: svm or vmx")
    if traced and note:
        raise typer.BadParameter("what a traced machine needs is not noted")
    echo = sys.stdout.write if verbose else (lambda text: None)
    try:
        xen, less_decoding = ({}, {}) if only_ours else measure_xen(echo, engine)
        mine = measure_ours(echo, engine, traced)
        if linux:
            mine |= measure_our_linux(echo, engine)
        if linux and not only_ours:
            more, more_less_decoding = measure_xen_linux(echo, engine)
            xen, less_decoding = xen | more, less_decoding | more_less_decoding
    except Failure as failure:
        console.print(failure.details, markup=False)
        console.print(f"bench: failed: {failure.reason}", markup=False)
        raise typer.Exit(1) from None
    for column in (xen, less_decoding, mine):
        column |= without_ports(column)
    table = figures.rows(xen, less_decoding, mine, engine)
    figures.save(table, engine)
    if note:
        by = conditions(engine)
        figures.note(engine, by, xen=xen, xen_less_decoding=less_decoding, ours=mine)
    show(table, engine)


if __name__ == "__main__":
    typer.run(main)
