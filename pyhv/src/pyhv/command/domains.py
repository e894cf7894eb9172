# The verbs of dom0's shell, by the same words, from outside the machine.
"""`hv list create pause unpause shutdown reboot destroy files info dmesg`."""

from typing import Annotated, Any

import typer

from pyhv.command.shared import Json, Machine, Name, app, find, line, open_machine, show_rows, tell
from pyhv.errors import WrongArgument
from pyhv.linked.domain import state_in_words

KEYS = ("kernel", "ramdisk", "memory", "vcpus", "cmdline")


@app.command("list")
def list_domains(json: Json = False, machine: Machine = None) -> None:
    """Show the domains: name, number, memory, vCPUs, state, and for how long they have run."""
    with open_machine(machine) as hv:
        told = hv.ask("list")
    rows = [{"Name": one["name"], "ID": one["id"], "Mem": round(one["memory_kib"] / 1024),
             "VCPUs": one["vcpus"], "State": state_in_words(one["state"]),
             "Time(s)": round(one["time_ns"] / 1e9, 1)} for one in told]
    tell(told if json else rows, json, show_rows)


def read_words(words: list[str]) -> dict[str, Any]:
    """Return `create`'s words as arguments, by the rules of dom0's shell. Raises WrongArgument.

    >>> read_words(["kernel=linux", "memory=256", "ramdisk=a", "ramdisk=b"])
    {'ramdisk': ['a', 'b'], 'kernel': 'linux', 'memory': 256}
    """
    read: dict[str, Any] = {"ramdisk": []}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise WrongArgument(f"{word!r} is not NAME=VALUE")
        if key not in KEYS:
            raise WrongArgument(f"no option {key!r}: {' '.join(KEYS)}")
        if key == "ramdisk":
            read[key].append(value)
        elif key in ("memory", "vcpus"):
            if not value.isdecimal():
                raise WrongArgument(f"{word!r} must be a number")
            read[key] = int(value)
        else:
            read[key] = value
    if "kernel" not in read:
        raise WrongArgument("a domain needs kernel=FILE: a file here or in dom0, or linux")
    return read


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the new domain is called.")],
    words: Annotated[list[str], typer.Argument(
        metavar="kernel=FILE [ramdisk=FILE]... [memory=MiB] [vcpus=N] [cmdline=...]",
        help="As dom0's shell has it. FILE is one that dom0 has, or a path here, which is sent. "
             "kernel=linux is Debian's kernel, with a ramdisk, 256 MiB and a console.")],
    json: Json = False, machine: Machine = None,
) -> None:
    """Make a domain out of a kernel, and let it go: hv create web kernel=linux memory=256."""
    arguments = read_words(words)
    with open_machine(machine) as hv:
        made = hv.create(name, **arguments)
    tell({"name": name, "id": made.id}, json,
         lambda told: line(f"{told['name']} is d{told['id']}"))


def _verb(name: str, purpose: str) -> None:
    def act(domain: Name, json: Json = False, machine: Machine = None) -> None:
        with open_machine(machine) as hv:
            found = find(hv, domain)
            getattr(found, name)()
        tell({"name": found.name, "id": found.id, "did": name}, json, lambda told: None)

    act.__doc__ = purpose
    app.command(name)(act)


_verb("pause", "Park a domain's vCPUs between two instructions.")
_verb("unpause", "Let the vCPUs of a paused domain go on.")
_verb("shutdown", "Ask a domain's kernel to power off.")
_verb("reboot", "Ask a domain's kernel to start anew.")
_verb("destroy", "End a domain, asked or not; its memory is the machine's again.")


@app.command()
def dmesg(json: Json = False, machine: Machine = None) -> None:
    """Show the hypervisor's own log."""
    with open_machine(machine) as hv:
        said = hv.dmesg()
    tell(said.splitlines() if json else said, json, lambda text: print(text, end=""))


@app.command()
def info(json: Json = False, machine: Machine = None) -> None:
    """Show the machine's memory, how much of it is free, and its processors."""
    with open_machine(machine) as hv:
        told = hv.info
    tell(told, json, lambda all: show_rows([{"what": k, "is": v} for k, v in all.items()]))


@app.command()
def files(json: Json = False, machine: Machine = None) -> None:
    """Show the files that dom0 has: the boot module's, and those sent after it."""
    with open_machine(machine) as hv:
        rows = hv.files._rows()
    tell(rows, json, show_rows)
