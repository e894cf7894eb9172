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

console = Console(width=None if sys.stdout.isatty() else 120)
# Real Xen's dom0 boots in about 90 s on two slow cores.
XEN_TIMEOUT, OURS_TIMEOUT = 400, 120


def measure_xen(echo: Callable[[str], None]) -> tuple[figures.Figures, figures.Figures]:
    """Return real Xen's figures, and those of a copy that need not decode for a length."""
    domains = guests.meters(ours.meter())
    said = xen_dom0.run(domains, XEN_TIMEOUT, echo)
    copy = next_rip.image(next_rip.address_of(said, xen_dom0.DECODER))
    without = xen_dom0.run(domains, XEN_TIMEOUT, echo, copy)
    text = sizes.text(xen_dom0.with_sections())
    return figures.parse(said) | text, figures.parse(without) | text


def measure_xen_linux(echo: Callable[[str], None]) -> tuple[figures.Figures, figures.Figures]:
    """Return what Linux's boot costs under real Xen, as it is and without its decoding."""
    domains = [linux_boot.guest(ours.init())]
    said = xen_dom0.run(domains, XEN_TIMEOUT, echo)
    copy = next_rip.image(next_rip.address_of(said, xen_dom0.DECODER))
    without = xen_dom0.run(domains, XEN_TIMEOUT, echo, copy)
    return linux_boot.parse(said), linux_boot.parse(without)


def measure_ours(echo: Callable[[str], None]) -> figures.Figures:
    """Return our figures."""
    said = ours.run(guests.meters(ours.meter()), OURS_TIMEOUT, echo)
    kept = figures.only(said, "kept", r"I keep (\d+) frames", 4)
    return figures.parse(said) | sizes.text(ours.image()) | kept


def measure_our_linux(echo: Callable[[str], None]) -> figures.Figures:
    """Return what Linux's boot costs here."""
    domains = [linux_boot.guest(ours.init())]
    said = ours.run(domains, OURS_TIMEOUT, echo)
    exits = figures.only(said, "linux-exits", r"take d1 apart. It came to me (\d+) times")
    return linux_boot.parse(said) | exits | functions.linux_in_hypervisor()


def conditions() -> dict[str, str]:
    """Return what a noted figure was measured with."""
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True)
    return {
        "day": f"{datetime.date.today():%Y-%m-%d}",
        "emulator": "QEMU " + re.search(r"version (\S+)", qemu.stdout)[1],
        "xen": f"Xen {judge.fetch()[0].version}",
    }


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"


def show(table: list[figures.Row]) -> None:
    """Print the table; what meets its goal is green, what does not is red."""
    shown = Table(title="Instructions, medians: under -icount a tick of the TSC is an instruction")
    shown.add_column("operation", no_wrap=True)
    for head in ("floor", "Xen", "less decoding", "ours", "p99", "ratio", "goal"):
        shown.add_column(head, justify="right")
    for row in table:
        met = row.goal is not None and row.ours is not None and row.ours <= row.goal
        color = "green" if met else "red" if row.goal is not None else "default"
        unit = "" if row.unit == "instructions" else f" ({row.unit})"
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}"
        shown.add_row(
            row.title + unit, _number(row.floor), _number(row.xen),
            _number(row.xen_less_decoding), f"[{color}]{_number(row.ours)}[/]",
            _number(row.ours_p99), ratio, _number(row.goal),
        )
    console.print(shown)
    for row in table:
        if row.goal is None:
            console.print(f"No goal for {row.title}: {row.why}.")


def main(
    only_ours: Annotated[bool, typer.Option(help="Leave real Xen out: seconds, not minutes.")]
    = False,
    linux: Annotated[bool, typer.Option(help="Boot Linux under both as well: minutes more.")]
    = False,
    note: Annotated[bool, typer.Option(help="Note the figures in tests/bench/today.toml.")]
    = False,
    verbose: Annotated[bool, typer.Option(help="Show what the machines say.")] = False,
) -> None:
    """Run one guest on real Xen 4.17 and on Subfloor, and compare what its operations cost.

    Xen runs twice: as it is, and as a copy that need not decode instructions to learn their
    length, which it does only because QEMU has no next-RIP. Writes build/bench.json.
    """
    echo = sys.stdout.write if verbose else (lambda text: None)
    try:
        xen, less_decoding = ({}, {}) if only_ours else measure_xen(echo)
        mine = measure_ours(echo)
        if linux:
            mine |= measure_our_linux(echo)
        if linux and not only_ours:
            more, more_less_decoding = measure_xen_linux(echo)
            xen, less_decoding = xen | more, less_decoding | more_less_decoding
    except Failure as failure:
        console.print(failure.details, markup=False)
        console.print(f"bench: failed: {failure.reason}", markup=False)
        raise typer.Exit(1) from None
    table = figures.rows(xen, less_decoding, mine)
    figures.save(table)
    if note:
        figures.note(conditions(), xen=xen, xen_less_decoding=less_decoding, ours=mine)
    show(table)


if __name__ == "__main__":
    typer.run(main)
