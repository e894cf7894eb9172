# Verbs that look: a guest's console, the machine's load, all that is known of a domain.
"""`hv console top inspect narrate trace`."""

from typing import Annotated

import typer

from pyhv.command.load import watch
from pyhv.command.raw_console import enter
from pyhv.command.shared import Json, Machine, Name, app, find, open_machine, say, table, tell
from pyhv.errors import Failure
from pyhv.show import Row


@app.command()
def console(domain: Name, machine: Machine = None) -> None:
    """Talk to a domain. Ctrl-] comes back; the domain does not notice.

    What is piped in is typed, and its end leaves when the domain has been silent for a second, or
    after five.
    """
    with open_machine(machine) as hv:
        enter(find(hv, domain))


@app.command()
def top(
    once: Annotated[bool, typer.Option("--once", help="Show one table, of one interval.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.")] = 2.0,
    json: Json = False, machine: Machine = None,
) -> None:
    """Show how much of a pCPU each domain uses, again and again until Ctrl-C."""
    with open_machine(machine) as hv:
        watch(hv, interval, once or json, json)


def _sections(hv, domain) -> dict[str, list[Row]]:
    found = {"domain": [domain.row()], "vCPUs": domain.vcpus._rows()}
    for vcpu in domain.vcpus:
        try:
            found[f"registers of v{vcpu.id}"] = vcpu.registers._rows()
        except Failure as failure:
            found[f"registers of v{vcpu.id}"] = [{"none": failure.reason}]
    path = f"/local/domain/{domain.id}"
    found["store"] = hv.store.below(path)._rows() if path in hv.store else []
    return found


def _frozen_sections(hv, name: str) -> dict[str, list[Row]]:
    """Read it out of the hypervisor's memory; dom0 is asked for nothing but a name's number."""
    number = int(name) if name.isdecimal() else find(hv, name).id
    with hv.freeze() as frozen:
        domain = frozen.domains[number]
        found = {"domain": [domain.row()], "vCPUs": domain.vcpus._rows()}
        for vcpu in domain.vcpus:
            found[f"registers of v{vcpu.id}"] = vcpu.registers._rows()
        return found | {"ports": domain.ports._rows(), "grants": domain.grants._rows(),
                        "pCPUs": frozen.cpus._rows()}


@app.command()
def inspect(
    domain: Name,
    frozen: Annotated[bool, typer.Option(
        "--frozen", help="Stop the machine, and read the hypervisor's own memory: also when dom0 "
                         "is dead. DOMAIN is best a number then.")] = False,
    json: Json = False, machine: Machine = None,
) -> None:
    """Show what is known of a domain: its memory, its vCPUs, their registers, its store."""
    with open_machine(machine) as hv:
        sections = _frozen_sections(hv, domain) if frozen else _sections(hv, find(hv, domain))

    def show(all_sections: dict[str, list[Row]]) -> None:
        for title, rows in all_sections.items():
            say.print(table(rows, title))

    tell(sections, json, show)
