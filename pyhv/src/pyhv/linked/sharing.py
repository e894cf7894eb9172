# What domains share, as dom0 reads it for us: a frame of a grant table, or some ports, at a time.
"""Promises and ports over the link."""

from typing import Any

from pyhv.api.grants import Grant, Grants, decode
from pyhv.api.ports import STATES, Port, Ports
from pyhv.errors import NoSuchDomain, Refused

ENTRIES_IN_A_FRAME = {1: 512, 2: 256}


def _ask(hv: Any, verb: str, domain: int, **arguments: Any) -> Any:
    try:
        return hv.ask(verb, domain=domain, **arguments)
    except Refused as refused:
        if refused.error != "ESRCH":
            raise
        raise NoSuchDomain(f"there is no d{domain}") from refused


def grants_of(hv: Any, domain: int) -> Grants:
    """Return the promises of a domain that are in use. Raises NoSuchDomain."""
    found: list[Grant] = []
    frame, frames = 0, 1
    while frame < frames:
        told = _ask(hv, "grants", domain, frame=frame)
        first = frame * ENTRIES_IN_A_FRAME[told["version"]]
        found += decode(domain, told["version"], first, told["entries"], told["status"])
        frame, frames = frame + 1, told["frames"]
    return Grants(found)


def ports_of(hv: Any, domain: int) -> Ports:
    """Return the ports of a domain that are in use. Raises NoSuchDomain."""
    found: list[Port] = []
    start = 1
    while start:
        told = _ask(hv, "ports", domain, **{"from": start})
        found += [_port(domain, each) for each in told["ports"]]
        start = told["next"]
    return Ports(found, told["abi"])


def _port(domain: int, told: dict[str, Any]) -> Port:
    return Port(domain, told["port"], STATES[told["status"]], told["vcpu"], told["pending"],
                told["masked"], told.get("remote"), told.get("remote_port"), told.get("number"))
