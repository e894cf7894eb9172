# Domains of a machine that is asked over the link.
"""A domain of T1 or T2, and its virtual CPUs."""

from collections.abc import Iterator
from typing import Any

from pyhv.api.domain import Domain, Facts, Vcpu, Vcpus
from pyhv.errors import NoSuchDomain, NoSuchMemory, Refused
from pyhv.linked.console import Console
from pyhv.linked.registers import Registers

CHUNK = 2048
"""How much of a guest's memory goes into one message."""
WORDS = (("d", "dying"), ("c", "crashed"), ("s", "shut down"), ("p", "paused"))


def _parts(gpa: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of pieces that fit into a message and lie in one page each."""
    while gpa < end:
        until = min(end, gpa - gpa % CHUNK + CHUNK)
        yield gpa, until
        gpa = until


def state_in_words(letters: str) -> str:
    """Return the word for six letters as xl prints them.

    >>> state_in_words("-b----"), state_in_words("--p---"), state_in_words("---sc-")
    ('alive', 'paused', 'crashed')
    """
    return next((word for letter, word in WORDS if letter in letters), "alive")


class LinkedVcpu(Vcpu):
    """A virtual CPU, as dom0 told of it when it was asked for."""

    def __init__(self, domain: "LinkedDomain", told: dict[str, Any], paused: bool) -> None:
        super().__init__(domain, told["id"])
        self._told = told
        self._paused = paused

    @property
    def state(self) -> str:
        """Where it stood: "running", "runnable", "blocked", "paused" or "down"."""
        if self._told["state"] == "offline":
            return "down"
        return "paused" if self._paused else self._told["state"]

    @property
    def cpu(self) -> int:
        """The pCPU where it ran, or ran last."""
        return self._told["cpu"]

    @property
    def time_running(self) -> int:
        """How long it had run, in ns."""
        return self._told["time_ns"]

    @property
    def registers(self) -> Registers:
        """Its registers now; a machine in motion is past them when you read them."""
        ask = self.domain._ask
        return Registers(repr(self)[1:-1], ask("registers", vcpu=self.id))


class LinkedDomain(Domain):
    """A domain that dom0 speaks of."""

    def _ask(self, verb: str, **arguments: Any) -> Any:
        try:
            return self._hv.ask(verb, domain=self.id, **arguments)
        except Refused as refused:
            if self.id not in self._hv.domains:
                raise NoSuchDomain(f"{self.name} (d{self.id}) is gone") from refused
            raise

    def _facts(self) -> Facts:
        for told in self._hv.ask("list"):
            if told["id"] == self.id:
                return Facts(state_in_words(told["state"]), round(told["memory_kib"] / 1024),
                             told["vcpus"])
        raise NoSuchDomain(f"there is no d{self.id} any more: {self.name} is gone")

    @property
    def vcpus(self) -> Vcpus:
        """Its virtual CPUs, by their numbers, as they stand now."""
        paused = self.state == "paused"
        return Vcpus([LinkedVcpu(self, told, paused) for told in self._ask("vcpus")])

    @property
    def p2m(self) -> Any:
        """Its nested page tables: read out of the frozen machine, on the tier that can freeze."""
        return self._hv._p2m_of(self)

    @property
    def console(self) -> Console:
        """Its console. It stays readable after the domain's end, as long as dom0 keeps it."""
        return self._hv._console_of(self)

    def read(self, gpa: int, count: int) -> bytes:
        """Return `count` bytes of its memory. Raises NoSuchMemory."""
        return b"".join(self._memory("memory.read", at, count=end - at)
                        for at, end in _parts(gpa, gpa + count))

    def write(self, gpa: int, data: bytes) -> None:
        """Write into its memory, up to the first page that is no RAM. Raises NoSuchMemory."""
        for at, end in _parts(gpa, gpa + len(data)):
            self._memory("memory.write", at, bytes=bytes(data[at - gpa:end - gpa]))

    def _memory(self, verb: str, gpa: int, **arguments: Any) -> Any:
        try:
            return self._ask(verb, gpa=gpa, **arguments)
        except Refused as refused:
            if refused.error != "ENOENT":
                raise
            raise NoSuchMemory(f"d{self.id} has no memory at {gpa:#x}") from refused

    def pause(self) -> None:
        """Hold its vCPUs between two instructions. Paused already, it stays so.

        Said in the callback of a breakpoint, it is done as soon as the machine goes on.
        """
        self._hv.when_it_runs(self._pause)

    def _pause(self) -> None:
        if self.state != "paused":
            self._ask("pause")

    def unpause(self) -> None:
        """Let it go on. Raises Refused where it is not paused. In a callback, as pause()."""
        self._hv.when_it_runs(lambda: self._ask("unpause"))

    def shutdown(self) -> None:
        """Ask its kernel to power off; `wait()` waits until it has."""
        self._ask("shutdown")

    def reboot(self) -> None:
        """Ask its kernel to start anew: as another domain, of the same name."""
        self._ask("reboot")

    def destroy(self) -> None:
        """Take it apart, asked or not: its memory is the machine's again."""
        self._ask("destroy")
