# What all verbs of the command hv share: its options, the machine they speak to, JSON or a table.
"""The frame around the verbs of `hv`."""

import json as encoding
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pyhv.background import places
from pyhv.errors import Failure
from pyhv.linked.machine import Linked
from pyhv.show import Row

app = typer.Typer(name="hv", no_args_is_help=True, rich_markup_mode="rich",
                  context_settings={"help_option_names": ["-h", "--help"]})
say = Console(highlight=False)


def complete_domain(beginning: str) -> list[str]:
    """Return the domains whose names begin so, for the shell's completion; none, without fuss."""
    with suppress(Exception), places.open_machine(None) as hv:
        return [domain.name for domain in hv.domains if domain.name.startswith(beginning)]
    return []


def complete_machine(beginning: str) -> list[str]:
    """Return the machines that are up whose names begin so, for the shell's completion."""
    return [place.name for place in places.up() if place.name.startswith(beginning)]


Json = Annotated[bool, typer.Option("--json", help="Say it as JSON, for a program to read.")]
Machine = Annotated[str | None, typer.Option(
    "--machine", "-m", envvar="HV_MACHINE", autocompletion=complete_machine, show_default=False,
    help="Which machine: its name, where several are up, or where a link is: "
         "/dev/ttyUSB0, unix:PATH, tcp:HOST:PORT.")]
Name = Annotated[str, typer.Argument(metavar="DOMAIN", autocompletion=complete_domain,
                                     help="A domain's name or number; `hv list` shows them.")]


@app.callback()
def hv() -> None:
    """Subfloor, a hypervisor to read as a book, from the command line.

    Begin with [bold]hv up[/bold], which boots a machine that stays in the background. Then
    [bold]hv list[/bold] shows its domains, [bold]hv create web kernel=linux[/bold] makes one,
    [bold]hv console web[/bold] enters it, and [bold]hv down[/bold] ends it all.
    """


def open_machine(which: str | None) -> Linked:
    """Return the machine that a verb speaks to. Raises Failure."""
    return places.open_machine(which)


def find(hv: Linked, name: str) -> Any:
    """Return a domain by the name or number that was typed. Raises NoSuchDomain."""
    if name.isdecimal() and int(name) in hv.domains:
        return hv.domains[int(name)]
    return hv.domains[name]


def tell(value: Any, as_json: bool, show: Callable[[Any], object]) -> None:
    """Say a value: as JSON, or as `show` shows it to a person."""
    if as_json:
        print(encoding.dumps(value, indent=2, default=str))
    else:
        show(value)


def table(rows: list[Row], title: str | None = None) -> Table:
    """Return the rows as a table for a terminal, numbers to the right."""
    made = Table(title=title, title_justify="left")
    for name, value in (rows[0] if rows else {"(none)": ""}).items():
        made.add_column(name, justify="right" if isinstance(value, int | float) else "left")
    for row in rows:
        made.add_row(*(str(value) for value in row.values()))
    return made


def line(text: str) -> None:
    """Print a line as it is, however wide the terminal."""
    say.print(text, soft_wrap=True, markup=False)


def show_rows(rows: list[Row]) -> None:
    """Print the rows as a table."""
    say.print(table(rows))


def run() -> None:
    """Run the command; what a person can act upon is one line, without a traceback."""
    try:
        app()
    except Failure as failure:
        if failure.details:
            print(failure.details)
        Console(stderr=True, soft_wrap=True).print(
            f"hv: {failure.reason}", style="red", highlight=False, markup=False)
        raise SystemExit(1) from None
