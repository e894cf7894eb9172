# A machine with a hypervisor in it, as every tier has it.
"""What can be asked of a machine; each tier says how it finds out, or which tier can."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from pyhv.api.domain import Domain
from pyhv.api.grants import Grants
from pyhv.api.ports import Ports
from pyhv.errors import NoSuchDomain
from pyhv.show import Row, Shown

if TYPE_CHECKING:
    from pyhv.why import Why


class Domains(Shown):
    """The machine's domains, by name or by number, as they are whenever it is asked."""

    def __init__(self, hv: "Hypervisor") -> None:
        self._hv = hv

    def __getitem__(self, which: str | int) -> Any:
        there = self._hv._list()
        for domain in there:
            if which in (domain.name, domain.id):
                return domain
        names = ", ".join(f"{domain.name} (d{domain.id})" for domain in there)
        raise NoSuchDomain(f"there is no domain {which!r}; there are: {names}")

    def _rows(self) -> list[Row]:
        return [domain.row() for domain in self._hv._list()]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._hv._list())

    def __len__(self) -> int:
        return len(self._hv._list())

    def __contains__(self, which: str | int) -> bool:
        return any(which in (domain.name, domain.id) for domain in self._hv._list())


class Cpus(Shown):
    """The machine's physical CPUs: a row each."""

    def __init__(self, rows: list[Row]) -> None:
        self._cpus = rows

    def _rows(self) -> list[Row]:
        return self._cpus

    def __getitem__(self, number: int) -> Row:
        return self._cpus[number]

    def __len__(self) -> int:
        return len(self._cpus)


class Hypervisor(ABC):
    """A machine that is open until it is closed; a context manager.

    `tier` is "T0", "T1" or "T2". What a tier cannot do raises NotOnThisTier, which names one that
    can; a machine that was closed raises Closed.
    """

    tier: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the machine. Closed already, it stays so."""

    @abstractmethod
    def _list(self) -> list[Any]:
        """Return the domains that there are now."""

    @property
    def domains(self) -> Domains:
        """The domains that there are: `hv.domains["web"]`, `hv.domains[1]`."""
        return Domains(self)

    @property
    @abstractmethod
    def cpus(self) -> Cpus:
        """The physical CPUs."""

    @property
    @abstractmethod
    def frames(self) -> Any:
        """The frames of the machine's memory, and whose each is."""

    @property
    @abstractmethod
    def store(self) -> Any:
        """The store that domains share, by path."""

    @abstractmethod
    def _grants_of(self, domain: int) -> Grants:
        """Return the promises of one domain, which may be dying. Raises NoSuchDomain."""

    @abstractmethod
    def _ports_of(self, domain: int) -> Ports:
        """Return the ports of one domain. Raises NoSuchDomain."""

    @property
    def grants(self) -> Grants:
        """Every promise in use, also of domains that are dying: who lets whom have which page."""
        return Grants([grant for each in self._each(self._grants_of) for grant in each])

    @property
    def ports(self) -> Ports:
        """Every port in use, of all domains: what rings it, and whether it waits to be heard."""
        return Ports([port for each in self._each(self._ports_of) for port in each])

    def why(self, domain: Domain | str | int) -> "Why":
        """Say why a domain does not go on, and who owes the next move. Raises NoSuchDomain."""
        from pyhv.why import why

        return why(self, domain)

    def _each(self, look: Callable[[int], Any]) -> Iterator[Any]:
        for domain in self._list():
            with suppress(NoSuchDomain):  # it went while we looked
                yield look(domain.id)

    @property
    @abstractmethod
    def trace(self) -> Any:
        """What the hypervisor has noted so far; `with hv.trace("domains") as t:` records more."""

    @abstractmethod
    def dmesg(self) -> str:
        """Return what the hypervisor has said aloud: as much as it keeps."""

    @abstractmethod
    def create(self, name: str, memory: int | None = None, vcpus: int = 1,
               kernel: Any = None) -> Domain:
        """Make a domain with `memory` MiB, and let it go."""

    @abstractmethod
    def freeze(self) -> Any:
        """Stop the machine at an instruction and read the hypervisor's own memory."""

    @abstractmethod
    def wait_for(self, pattern: str, timeout: float = 30.0) -> Any:
        """Wait for a line that matches, of dom0's news or the hypervisor's log; return it."""

    @abstractmethod
    def wait_for_event(self, name: str, domain: Domain | str | int | None = None,
                       timeout: float = 30.0) -> Any:
        """Wait for an event of the trace, "domain_gone" say, and return it, fields and all.

        One that came before, and was not waited for, counts; each is returned once. What comes by
        the thousand is noted while it is waited for, or in a `with hv.trace(...)`. Raises
        TookTooLong, and WrongArgument where no event has that name.
        """

    @abstractmethod
    def breakpoint(self, where: int | str, callback: Callable[[Any], Any], *,
                   domain: Domain | str | int | None = None) -> Any:
        """Call `callback` whenever somebody comes to a place, until the end of a `with`.

        T1 stops at a function of the hypervisor's, or at an address of a domain's; T0 at a
        hypercall. The callback is handed the hit, and may remove its breakpoint, or stop.
        """

    @abstractmethod
    def run_until(self, where: int | str, *, domain: Domain | str | int | None = None,
                  timeout: float = 30.0) -> Any:
        """Let the machine run until somebody comes to a place, and have it stand there.

        Raises TookTooLong where nobody does.
        """

    def _number_of(self, domain: Domain | str | int | None) -> int | None:
        """Return a domain's number; one that is given by its number may be gone already."""
        if isinstance(domain, str):
            return self.domains[domain].id
        return domain.id if isinstance(domain, Domain) else domain

    def _repr_html_(self) -> str:
        return f"<code>{repr(self)[1:-1]}</code>"
