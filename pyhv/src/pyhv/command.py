# The command hv: one verb for each thing that a person does with Subfloor.
"""The command line, `hv`."""

import json as encoding
from typing import Annotated

import typer
from rich.console import Console

from pyhv import doctor as examination
from pyhv.errors import Failure

app = typer.Typer(name="hv", no_args_is_help=True, rich_markup_mode="rich")
Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, for a program to read.")]


@app.callback()
def hv() -> None:
    """Subfloor, a hypervisor to read as a book, from the command line."""


@app.command()
def doctor(json: Json = False) -> None:
    """Name the tiers that this machine offers, the versions found, and what is missing.

    T0 runs the chapters' code as a program, T1 the image in QEMU and Bochs, T2 on real hardware.
    Ends with status 1 where T0 or T1 lacks something.
    """
    tiers = examination.examine()
    if json:
        print(encoding.dumps([tier.as_json() for tier in tiers], indent=2))
    else:
        examination.tell(tiers, Console().print)
    raise typer.Exit(0 if all(tier.available for tier in tiers[:2]) else 1)


def run() -> None:
    """Run the command; what a person can act upon is one line, without a traceback."""
    try:
        app()
    except Failure as failure:
        Console(stderr=True).print(f"hv: {failure.reason}", style="red", highlight=False)
        raise SystemExit(1) from None
