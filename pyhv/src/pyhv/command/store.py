# The store that domains share, from the command line.
"""`hv store ls read write rm watch`, and `hv store --socket PATH`."""

from pathlib import Path
from typing import Annotated

import typer

from pyhv.command.shared import Json, Machine, app, line, open_machine, show_rows, tell
from pyhv.errors import WrongArgument
from pyhv.linked.machine import Linked
from pyhv.linked.store import NoSuchPath
from pyhv.linked.visitor import Door, watch

store = typer.Typer(invoke_without_command=True)
app.add_typer(store, name="store")

Entry = Annotated[str, typer.Argument(metavar="PATH", help="An entry, such as /local/domain.")]


@store.callback()
def show(
    context: typer.Context,
    door: Annotated[Path | None, typer.Option(
        "--socket", metavar="PATH",
        help="Make a UNIX socket at which programs speak the store's own protocol.")] = None,
    machine: Machine = None,
) -> None:
    """Read, write and watch the store that domains share; by itself, show all of it."""
    if context.invoked_subcommand is not None:
        if door is not None:
            raise WrongArgument("--socket stands alone: hv store --socket PATH")
        return
    if door is None:
        list_entries("/", machine=machine)
        return
    with open_machine(machine) as hv:
        try:
            Door(hv, door).serve(lambda: line(f"the store is at {door}; Ctrl-C ends it"))
        except KeyboardInterrupt:
            return


@store.command("ls")
def list_entries(path: Entry = "/", json: Json = False, machine: Machine = None) -> None:
    """Show an entry, and what lies below it."""
    with open_machine(machine) as hv:
        rows = hv.store.below(path)._rows()
    tell(rows, json, show_rows)


@store.command()
def read(path: Entry, json: Json = False, machine: Machine = None) -> None:
    """Show an entry's value."""
    with open_machine(machine) as hv:
        tell(hv.store[path], json, line)


@store.command()
def write(
    path: Entry, value: Annotated[str, typer.Argument(help="Any text.")], machine: Machine = None,
) -> None:
    """Write an entry, and make those that it lies in."""
    with open_machine(machine) as hv:
        hv.store[path] = value


@store.command()
def rm(path: Entry, machine: Machine = None) -> None:
    """Remove an entry, and all below it."""
    with open_machine(machine) as hv:
        del hv.store[path]


def _as_it_is(hv: Linked, path: str) -> str:
    if path.startswith("@"):
        return path  # a coming or a going, not an entry
    try:
        return f"{path} = {hv.store[path]!r}"
    except NoSuchPath:
        return f"{path} is gone"


@store.command("watch")
def watch_entries(
    path: Entry = "/", *,
    count: Annotated[int, typer.Option("--count", "-n", help="End after so many; 0: never.")] = 0,
    machine: Machine = None,
) -> None:
    """Show each entry that changes at a path or below it, until Ctrl-C."""
    with open_machine(machine) as hv:
        try:
            for number, changed in enumerate(watch(hv, path), 1):
                line(_as_it_is(hv, changed))
                if number == count:
                    return
        except KeyboardInterrupt:
            return
