# Machines as a whole: booted into the background, and ended.
"""`hv up down machines reset`."""

from pathlib import Path
from typing import Annotated

import typer

from pyhv.background import places, starting
from pyhv.booted.prepare import Wish
from pyhv.command.shared import (
    Json,
    Machine,
    app,
    complete_machine,
    line,
    open_machine,
    say,
    show_rows,
    tell,
)
from pyhv.errors import WrongArgument


def _files(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, _, path in pairs:
        if not Path(path).is_file():
            raise WrongArgument(f"--file {name}={path}: NAME=PATH, and there must be such a file")
    return {name: str(Path(path).resolve()) for name, _, path in pairs}


@app.command()
def up(
    name: Annotated[str, typer.Option(help="What to call it.")] = places.DEFAULT,
    engine: Annotated[str, typer.Option(help="svm: AMD's, in QEMU; vmx: Intel's, in Bochs.")]
        = "svm",
    cpus: Annotated[int, typer.Option(help="Physical CPUs, 1 to 8.")] = 1,
    memory: Annotated[int, typer.Option(help="Physical memory, in MiB.")] = 512,
    guest: Annotated[list[str], typer.Option(
        help="What the boot module brings along: a small guest, or linux. May be repeated.")]
        = ["hello", "linux"],  # noqa: B006  (typer copies it)
    file: Annotated[list[str], typer.Option(
        metavar="NAME=PATH", help="A file for the boot module. May be repeated.")]
        = [],  # noqa: B006
    options: Annotated[str, typer.Option(help="The hypervisor's command line.")] = "",
    accel: Annotated[str, typer.Option(help="tcg emulates; kvm nests; auto chooses.")] = "tcg",
    counted: Annotated[bool, typer.Option(
        "--counted", help="An instruction is a nanosecond: repeatable (QEMU, one pCPU).")] = False,
    through: Annotated[str | None, typer.Option(
        help="As things stand at the end of a chapter.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Boot a machine that stays in the background until [bold]hv down[/bold].

    The first time builds the image, and fetches Debian's kernel. The machine outlives this
    terminal; its folder, build/run/NAME, has its log and the socket where dom0 answers.
    """
    wish = Wish(engine, cpus, memory, guest, _files(file), options=options, accel=accel,
                counted=counted, through=through)
    with say.status(f"booting {name}"):
        notes = starting.start(name, wish)
    tell(notes, json, lambda told: line(
        f"{told['name']} is up: {told['emulator']}, {told['engine']}, {told['cpus']} pCPUs, "
        f"{told['memory']} MiB. hv list shows its domains; hv down ends it."))


@app.command()
def down(
    name: Annotated[str | None, typer.Argument(
        help="Which machine, where several are up.", autocompletion=complete_machine,
        show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are up.")] = False,
    json: Json = False, machine: Machine = None,
) -> None:
    """End a machine in the background, and everyone in it."""
    chosen = places.up() if every else [places.choose(name or machine)]
    for here in chosen:
        starting.end(here)
    names = [here.name for here in chosen]
    tell({"down": names}, json, lambda told: line(f"down: {' '.join(names) or 'none was up'}"))


@app.command()
def machines(json: Json = False) -> None:
    """Show the machines in the background."""
    told = [here.told() for here in places.up()]
    shown = ("name", "emulator", "engine", "cpus", "memory", "pid", "link")
    tell(told, json, lambda all: show_rows([{key: one.get(key) for key in shown} for one in all]))


@app.command()
def reset(json: Json = False, machine: Machine = None) -> None:
    """Start a machine anew, without asking anyone in it.

    One of hv up is back when this returns. A client that was there before is told LinkRestarted.
    """
    with open_machine(machine) as hv:
        hv.reset()
    tell({"did": "reset"}, json, lambda told: None)
