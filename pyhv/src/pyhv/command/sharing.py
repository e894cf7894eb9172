# Verbs that show what domains share: pages, doorbells, and who keeps whom waiting.
"""`hv grants events why`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from pyhv.api.ports import Port
from pyhv.command.shared import (
    Json,
    Machine,
    Name,
    app,
    complete_domain,
    find,
    line,
    open_machine,
    show_rows,
    tell,
)
from pyhv.linked.machine import Linked
from pyhv.show import Row
from pyhv.why import why

Which = Annotated[str | None, typer.Argument(
    metavar="[DOMAIN]", autocompletion=complete_domain, show_default=False,
    help="A domain's name or number; without one, all.")]


def _part(hv: Linked, domain: str | None, what: str) -> Any:
    """Return `what` of all domains, or of one, which may be dying and have no name any more."""
    return getattr(hv if domain is None else find(hv, domain), what)


@app.command()
def grants(domain: Which = None, json: Json = False, machine: Machine = None) -> None:
    """Show each promise in use: whose page, for whom, and whether it is held right now.

    Those of dying domains, too: a page that is still held keeps them here.
    """
    with open_machine(machine) as hv:
        found = _part(hv, domain, "grants")
    tell([asdict(grant) for grant in found] if json else found._rows(), json, show_rows)


def _readable(port: Port) -> Row:
    return port.row() | {"pending": "yes" if port.pending else "",
                         "masked": "yes" if port.masked else ""}


@app.command()
def events(domain: Which = None, json: Json = False, machine: Machine = None) -> None:
    """Show each port: what rings it, on which vCPU, and whether it is pending or masked."""
    with open_machine(machine) as hv:
        found = _part(hv, domain, "ports")
    tell([asdict(port) for port in found] if json else [_readable(port) for port in found], json,
         show_rows)


@app.command("why")
def say_why(domain: Name, json: Json = False, machine: Machine = None) -> None:
    """Say why a domain does not go on, and who owes the next move.

    For each of its devices: both ends' states in the store, the ring's indices, the doorbell at
    both ends, and the promise that the ring lies in. For a dying domain: who holds its last page.
    """
    with open_machine(machine) as hv:
        found = why(hv, find(hv, domain))
    told = asdict(found.situation) | {"owes": found.owed.who, "sentences": found.sentences}
    tell(told if json else found, json, lambda seen: line(repr(seen)))
