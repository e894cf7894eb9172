# The doorbells of a domain: what each port is bound to, and whether it waits to be heard.
"""Event channels, port by port."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyhv.show import Row, Shown

STATES = ("closed", "unbound", "interdomain", "pirq", "virq", "ipi")
"""By EVTCHNSTAT_* of the public header."""
VIRQS = {0: "TIMER", 1: "DEBUG", 2: "CONSOLE", 3: "DOM_EXC", 4: "TBUF", 6: "DEBUGGER",
         7: "XENOPROF", 8: "CON_RING", 9: "PCPU_STATE", 10: "MEM_EVENT", 12: "ENOMEM", 13: "XENPMU"}


@dataclass(frozen=True)
class Port:
    """One port of `domain`: `state` says to what it is bound.

    `remote` is the domain at the other end of an "interdomain" port, which calls it
    `remote_port`, or the one that may come to an "unbound" one; `number` that of a VIRQ or PIRQ.
    `pending`: it was rung and not yet answered. `masked`: its guest does not want to hear it.
    """

    domain: int
    port: int
    state: str
    vcpu: int = 0
    pending: bool = False
    masked: bool = False
    remote: int | None = None
    remote_port: int | None = None
    number: int | None = None

    @property
    def bound_to(self) -> str:
        """What rings it, in a word or two.

        >>> Port(1, 3, "interdomain", remote=0, remote_port=5).bound_to
        'd0 port 5'
        >>> Port(1, 1, "virq", number=0).bound_to, Port(1, 4, "unbound", remote=0).bound_to
        ('TIMER', 'd0 may come')
        """
        if self.state == "interdomain":
            return f"d{self.remote} port {self.remote_port}"
        if self.state == "unbound":
            return f"d{self.remote} may come"
        if self.state == "virq":
            return VIRQS.get(self.number or 0, str(self.number))
        return "" if self.number is None else str(self.number)

    def row(self) -> Row:
        """Return its line in a table."""
        return {"domain": self.domain, "port": self.port, "state": self.state,
                "bound to": self.bound_to, "vCPU": self.vcpu, "pending": self.pending,
                "masked": self.masked}


class Ports(Shown):
    """Ports, in the order of their domains and numbers; `abi` is how the guest is shown them.

    >>> Ports([Port(1, 1, "unbound", remote=0, masked=True), Port(1, 2, "ipi", pending=True)])
    domain  port  state    bound to     vCPU  pending  masked
         1     1  unbound  d0 may come     0    False    True
         1     2  ipi                      0     True   False
    """

    def __init__(self, ports: list[Port], abi: str = "") -> None:
        self._ports = ports
        self.abi = abi

    def by_number(self, port: int) -> Port | None:
        """Return the first of that number, if there is one."""
        return next((each for each in self._ports if each.port == port), None)

    def _rows(self) -> list[Row]:
        return [port.row() for port in self._ports]

    def __iter__(self) -> Iterator[Port]:
        return iter(self._ports)

    def __len__(self) -> int:
        return len(self._ports)

    def __getitem__(self, index: int) -> Port:
        return self._ports[index]
