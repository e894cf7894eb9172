# A domain and its virtual CPUs, as every tier has them.
"""What can be asked of a domain; each tier says how it finds out."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from pyhv.api.grants import Grants
from pyhv.api.ports import Ports
from pyhv.api.waiting import waiting
from pyhv.errors import NoSuchDomain, TookTooLong
from pyhv.show import Row, Shown

GONE = "gone"
STATES = ("alive", "paused", "shut down", "crashed", "dying", GONE)


@dataclass(frozen=True)
class Facts:
    """What the list of domains tells of one: `memory` in MiB, `vcpus` as a number."""

    state: str
    memory: int
    vcpus: int


class Vcpu(ABC):
    """A virtual CPU: `domain` is whose, `id` its number there."""

    def __init__(self, domain: "Domain", number: int) -> None:
        self.domain = domain
        self.id = number

    @property
    @abstractmethod
    def state(self) -> str:
        """Where it stands: "running", "runnable", "blocked", "paused" or "down"."""

    @property
    @abstractmethod
    def cpu(self) -> int:
        """The pCPU where it runs, or ran last."""

    @property
    @abstractmethod
    def time_running(self) -> int:
        """How long it has run, in ns."""

    @property
    @abstractmethod
    def registers(self) -> Any:
        """Its registers, on the tiers that have a processor."""

    def row(self) -> Row:
        """Return what a table of vCPUs shows of it."""
        return {"vCPU": self.id, "State": self.state, "pCPU": self.cpu,
                "Time(s)": round(self.time_running / 1e9, 3)}

    def __repr__(self) -> str:
        return f"<{self.domain.name} v{self.id}: {self.state}>"

    def _repr_html_(self) -> str:
        return f"<code>{self.domain.name} v{self.id}</code>: {self.state}"


class Vcpus(Shown):
    """The virtual CPUs of one domain, by their numbers."""

    def __init__(self, vcpus: list[Vcpu]) -> None:
        self._vcpus = vcpus

    def _rows(self) -> list[Row]:
        return [vcpu.row() for vcpu in self._vcpus]

    def __getitem__(self, number: int) -> Vcpu:
        return self._vcpus[number]

    def __len__(self) -> int:
        return len(self._vcpus)


class Domain(ABC):
    """One domain. It may be gone at any time; then all but its name and number raise NoSuchDomain.

    A domain that dies is gone for good: a new one of the same name has another number.
    """

    def __init__(self, hv: Any, number: int, name: str) -> None:
        self._hv = hv
        self.id = number
        self.name = name

    @abstractmethod
    def _facts(self) -> Facts:
        """Look it up now. Raises NoSuchDomain."""

    @property
    def state(self) -> str:
        """Where it stands: "alive", "paused", "shut down", "crashed", or "dying"."""
        return self._facts().state

    @property
    def memory(self) -> int:
        """How much RAM it owns, in MiB."""
        return self._facts().memory

    @property
    @abstractmethod
    def vcpus(self) -> Vcpus:
        """Its virtual CPUs, by their numbers."""

    @property
    def registers(self) -> Any:
        """The registers of its first vCPU; each vCPU has `registers` of its own."""
        return self.vcpus[0].registers

    @property
    @abstractmethod
    def p2m(self) -> Any:
        """Its nested page tables; `p2m.walk(gpa)` shows each level."""

    @property
    def grants(self) -> Grants:
        """Its promises that are in use: which of its pages it lets whom have."""
        return self._hv._grants_of(self.id)

    @property
    def ports(self) -> Ports:
        """Its ports that are in use: what rings each, and whether it waits to be heard."""
        return self._hv._ports_of(self.id)

    @property
    @abstractmethod
    def console(self) -> Any:
        """Its console: `read`, `write`, `expect`."""

    @abstractmethod
    def read(self, gpa: int, count: int) -> bytes:
        """Return `count` bytes of its memory. Raises NoSuchMemory."""

    @abstractmethod
    def write(self, gpa: int, data: bytes) -> None:
        """Write into its memory. Raises NoSuchMemory."""

    @abstractmethod
    def pause(self) -> None:
        """Hold its vCPUs between two instructions. Paused already, it stays so."""

    @abstractmethod
    def unpause(self) -> None:
        """Let it go on. Raises Refused where it is not paused."""

    @abstractmethod
    def shutdown(self) -> None:
        """Ask its kernel to power off; `wait("gone")` waits until it has."""

    @abstractmethod
    def reboot(self) -> None:
        """Ask its kernel to start anew: as another domain, of the same name."""

    @abstractmethod
    def destroy(self) -> None:
        """Take it apart, asked or not: its memory is the machine's again."""

    def _state_or_gone(self) -> str:
        try:
            return self.state
        except NoSuchDomain:
            return GONE

    def wait(self, *states: str, timeout: float = 30.0) -> str:
        """Wait until it is in one of the states, "gone" by default; return which.

        Timeouts are seconds on the machine for which they were written, and scaled for this one.
        Raises TookTooLong; and NoSuchDomain where it is gone while another state was waited for.
        """
        wanted = states or (GONE,)
        state = self._state_or_gone()
        for _ in waiting(timeout):
            if state in wanted:
                return state
            if state == GONE:
                raise NoSuchDomain(f"{self.name} (d{self.id}) is gone; it was waited for until it "
                                   f"is {' or '.join(wanted)}")
            state = self._state_or_gone()
        raise TookTooLong(
            f"waited {timeout:g} s for {self.name} to be {' or '.join(wanted)}; it is {state}")

    def row(self) -> Row:
        """Return what the list of domains shows of it."""
        facts = self._facts()
        return {"Name": self.name, "ID": self.id, "State": facts.state, "Mem": facts.memory,
                "VCPUs": facts.vcpus}

    def __repr__(self) -> str:
        try:
            facts = self._facts()
        except NoSuchDomain:
            return f"<{self.name} (d{self.id}): gone>"
        vcpus = f"{facts.vcpus} vCPU" + ("s" if facts.vcpus != 1 else "")
        return f"<{self.name} (d{self.id}): {facts.state}, {facts.memory} MiB, {vcpus}>"

    def _repr_html_(self) -> str:
        return f"<code>{repr(self)[1:-1]}</code>"
