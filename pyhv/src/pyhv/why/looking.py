# Looking at a machine for all that keeps a domain waiting: the store, rings, doorbells, promises.
"""From a machine to a situation."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from struct import Struct
from typing import Any

from pyhv.api.grants import Grants
from pyhv.api.ports import Port, Ports
from pyhv.errors import Failure
from pyhv.why.situation import GONE, Device, End, Ring, Situation

HEAD = Struct("<4I")
"""A ring's page begins with req_prod, req_event, rsp_prod, rsp_event (xen/io/ring.h)."""
RING_REF = re.compile(r"(.+-)?ring-ref0?")
DOORBELL = re.compile(r"event-channel(-tx|-rx)?|port")
"""A console calls it its port."""
PAGE = 4096


class Eyes:
    """Looks at one machine once: what was seen stays as it was, whoever is asked about."""

    def __init__(self, hv: Any) -> None:
        self._hv = hv
        self._grants: dict[int, Grants] = {}
        self._ports: dict[int, Ports] = {}

    @cached_property
    def domains(self) -> dict[int, Any]:
        """The domains that there are, by number."""
        return {domain.id: domain for domain in self._hv.domains}

    @cached_property
    def lives(self) -> dict[int, str]:
        """The states of those domains."""
        return {number: domain.state for number, domain in self.domains.items()}

    def grants(self, number: int) -> Grants:
        """Return a domain's promises; none of one that is gone."""
        if number not in self._grants:
            self._grants[number] = Grants([])
            with suppress(Failure):
                self._grants[number] = self._hv._grants_of(number)
        return self._grants[number]

    def ports(self, number: int) -> Ports:
        """Return a domain's ports; none of one that is gone."""
        if number not in self._ports:
            self._ports[number] = Ports([])
            with suppress(Failure):
                self._ports[number] = self._hv._ports_of(number)
        return self._ports[number]

    def vcpus(self, number: int) -> tuple[str, ...]:
        """Return what a domain's vCPUs do; nothing where nobody can say, as of dom0's."""
        with suppress(Failure, KeyError):
            return tuple(vcpu.state for vcpu in self.domains[number].vcpus)
        return ()

    # The store, whose values guests write: each is checked. A hosted machine has none

    def text(self, path: str) -> str:
        """Return an entry's value; empty where there is none."""
        with suppress(Failure):
            return self._hv.store[path]
        return ""

    def number(self, path: str) -> int | None:
        """Return an entry's value as a number; None where it is none, or too large to be one."""
        value = self.text(path)
        return int(value) if re.fullmatch(r"\d{1,9}", value, re.ASCII) else None

    def names(self, path: str) -> list[str]:
        """Return the names right below an entry."""
        with suppress(Failure):
            return sorted(self._hv.store.list(path))
        return []

    def head(self, number: int, frame: int) -> tuple[int, ...]:
        """Return the four words that a domain's page begins with; none where it has no such."""
        with suppress(Failure, KeyError):
            return HEAD.unpack(self.domains[number].read(frame * PAGE, HEAD.size))
        return ()


def look(hv: Any, number: int) -> Situation:
    """Return what there is to know of a domain and its devices."""
    eyes = Eyes(hv)
    waiting = tuple(port for port in eyes.ports(number) if port.pending and not port.masked)
    return Situation(number, eyes.lives.get(number, GONE), eyes.vcpus(number),
                     tuple(eyes.grants(number).held), waiting, tuple(devices(eyes, number)))


def devices(eyes: Eyes, number: int) -> Iterator[Device]:
    """Yield the devices of a domain: those that it uses, and those that it serves."""
    home = f"/local/domain/{number}"
    for kind in eyes.names(f"{home}/device"):
        for each in eyes.names(f"{home}/device/{kind}"):
            path = f"{home}/device/{kind}/{each}"
            back = eyes.number(f"{path}/backend-id")
            if back is not None:
                there = (back, eyes.text(f"{path}/backend"))
                yield _device(eyes, kind, each, (number, path), there)
    for kind in eyes.names(f"{home}/backend"):
        for other in eyes.names(f"{home}/backend/{kind}"):
            for each in eyes.names(f"{home}/backend/{kind}/{other}"):
                path = f"{home}/backend/{kind}/{other}/{each}"
                front = eyes.number(f"{path}/frontend-id")
                if front is not None and front != number:
                    there = (front, eyes.text(f"{path}/frontend"))
                    yield _device(eyes, kind, each, there, (number, path))


def _device(eyes: Eyes, kind: str, each: str, front: tuple[int, str],
            back: tuple[int, str]) -> Device:
    entries = eyes.names(front[1])
    # A console's page begins with its bytes, and not with indices
    rings = [_ring(eyes, front[0], ref) for name in entries
             if RING_REF.fullmatch(name) and kind != "console"
             and (ref := eyes.number(f"{front[1]}/{name}")) is not None]
    bell = next((eyes.number(f"{front[1]}/{name}") for name in entries
                 if DOORBELL.fullmatch(name)), None)
    ours = eyes.ports(front[0]).by_number(bell) if bell is not None else None
    theirs = _other_end(eyes, front[0], bell, back[0])
    return Device(kind, each, _end(eyes, "frontend", *front, ours),
                  _end(eyes, "backend", *back, theirs), tuple(rings))


def _end(eyes: Eyes, role: str, number: int, path: str, port: Port | None) -> End:
    return End(role, number, eyes.number(f"{path}/state") if path else None,
               eyes.lives.get(number, GONE), port, eyes.vcpus(number), path)


def _other_end(eyes: Eyes, front: int, bell: int | None, back: int) -> Port | None:
    return next((port for port in eyes.ports(back) if port.state == "interdomain"
                 and (port.remote, port.remote_port) == (front, bell)), None)


def _ring(eyes: Eyes, front: int, ref: int) -> Ring:
    grant = eyes.grants(front).by_ref(ref)
    return Ring(ref, grant, *(eyes.head(front, grant.frame) if grant else ()))
