# Domains as the book tells of them: their vCPUs, their memory, their nested page tables.
"""A domain of a hosted machine, and its parts."""

from typing import TYPE_CHECKING, Any

from pyhv.errors import NoSuchDomain, NotOnThisTier
from pyhv.show import Row, Shown

if TYPE_CHECKING:
    from pyhv.t0.machine import Hosted

FRAMES_IN_A_MEBIBYTE = 256


class Vcpu:
    """A virtual CPU."""

    def __init__(self, domain: "Domain", number: int) -> None:
        self.domain = domain
        self.id = number

    @property
    def _view(self) -> Any:
        return self.domain._view.vcpus[self.id]

    @property
    def state(self) -> str:
        """Where it stands: "running", "runnable", "blocked", "paused" or "down"."""
        return self._view.state

    @property
    def cpu(self) -> int:
        """The pCPU where it runs, or ran last."""
        return self._view.cpu

    @property
    def time_running(self) -> int:
        """How long it has run, in ns."""
        return self._view.time_running

    @property
    def registers(self) -> Any:
        """Its registers, on the tiers that have a processor."""
        raise NotOnThisTier("a hosted guest is a coroutine and has no registers: T1 and T2 have")

    def __repr__(self) -> str:
        return f"<{self.domain.name} v{self.id}: {self.state}>"

    def _repr_html_(self) -> str:
        return f"<code>{self.domain.name} v{self.id}</code>: {self.state}"


class Walk(Shown):
    """A walk from the root of a domain's nested tables to one guest physical address."""

    def __init__(self, gpa: int, steps: list[Any]) -> None:
        self.gpa = gpa
        self.steps = steps

    @property
    def mpa(self) -> int | None:
        """The machine address that it leads to; None where nothing is mapped."""
        last = self.steps[-1]
        return (last.frame << 12) + self.gpa % last.bytes if last.kind == "page" else None

    def _rows(self) -> list[Row]:
        return [
            {
                "level": step.level,
                "entry": step.index,
                "at": f"{step.at:#x}",
                "value": f"{step.value:#x}",
                "is": " ".join(filter(None, [step.kind, step.access])),
                "frame": f"{step.frame:#x}" if step.frame else "",
            }
            for step in self.steps
        ]

    def __len__(self) -> int:
        return len(self.steps)


class P2m:
    """A domain's nested page tables, in EPT's format."""

    def __init__(self, domain: "Domain") -> None:
        self._domain = domain

    def walk(self, gpa: int) -> Walk:
        """Return each level's entry on the way to a guest physical address.

        >>> import pyhv
        >>> with pyhv.hosted() as hv:
        ...     hv.create("web", memory=4).p2m.walk(0x201000)  # doctest: +ELLIPSIS
        level  entry  at ...
            3      0  0x...  0x...7   table ...
            2      0  0x...  0x...7   table ...
            1      1  0x...8  0x...b7  page rwx ...
        """
        return Walk(gpa, self._domain._native.walk(self._domain.id, gpa))

    @property
    def tables(self) -> int:
        """How many frames the tables take."""
        return self._domain._view.table_frames

    def __repr__(self) -> str:
        return f"<p2m of {self._domain.name}: {self.tables} tables>"

    def _repr_html_(self) -> str:
        return f"p2m of <code>{self._domain.name}</code>: {self.tables} tables"


class Domain:
    """One domain. It may be gone at any time; then all but its name and number raise NoSuchDomain.

    >>> import pyhv
    >>> with pyhv.hosted() as hv:
    ...     web = hv.create("web", memory=4)
    ...     web.write(0x3000, b"a page of its own")
    ...     web.read(0x3002, 4)
    ...     web.pause()
    ...     web, web.vcpus[0]
    b'page'
    (<web (d1): paused, 4 MiB, 1 vCPU>, <web v0: paused>)
    """

    def __init__(self, hv: "Hosted", number: int, name: str) -> None:
        self._hv = hv
        self.id = number
        self.name = name

    @property
    def _native(self) -> Any:
        return self._hv._native

    @property
    def _view(self) -> Any:
        return self._native.domain(self.id)

    @property
    def state(self) -> str:
        """Where it stands: "alive", "paused", "shut down", "crashed", or "dying"."""
        view = self._view
        if view.life == "shut down":
            return "crashed" if view.reason == self._hv.constant("SHUTDOWN_crash") else view.life
        return "paused" if view.paused and view.life == "alive" else view.life

    @property
    def memory(self) -> int:
        """How much RAM it owns, in MiB."""
        return self._view.frames // FRAMES_IN_A_MEBIBYTE

    @property
    def hypercalls(self) -> int:
        """How many hypercalls it has made."""
        return self._view.hypercalls

    @property
    def vcpus(self) -> list[Vcpu]:
        """Its virtual CPUs, by their numbers."""
        return [Vcpu(self, view.id) for view in self._view.vcpus]

    @property
    def p2m(self) -> P2m:
        """Its nested page tables."""
        return P2m(self)

    @property
    def console(self) -> Any:
        """Its console, on the tiers where a kernel drives one."""
        raise NotOnThisTier("a hosted guest has no console: the kernels of T1 and T2 have")

    def read(self, gpa: int, count: int) -> bytes:
        """Return `count` bytes of its memory. Raises NoSuchMemory."""
        return self._native.read(self.id, gpa, count)

    def write(self, gpa: int, data: bytes) -> None:
        """Write into its memory: all of `data`, or nothing. Raises NoSuchMemory."""
        self._native.write(self.id, gpa, bytes(data))

    def pause(self) -> None:
        """Hold it between two of its steps. Paused already, it stays so."""
        self._hv.toolstack("domctl", "pausedomain", {"domain": self.id})

    def unpause(self) -> None:
        """Let it go on. Raises Refused where it is not paused."""
        self._hv.toolstack("domctl", "unpausedomain", {"domain": self.id})

    def destroy(self) -> None:
        """Take it apart: its guest stops, and its memory is the machine's again."""
        self._hv.toolstack("domctl", "destroydomain", {"domain": self.id})
        self._hv.forget(self.id)

    def row(self) -> Row:
        """Return what the list of domains shows of it."""
        view = self._view
        return {
            "Name": self.name,
            "ID": self.id,
            "State": self.state,
            "Mem": view.frames // FRAMES_IN_A_MEBIBYTE,
            "VCPUs": len(view.vcpus),
        }

    def __repr__(self) -> str:
        try:
            row = self.row()
        except NoSuchDomain:
            return f"<{self.name} (d{self.id}): gone>"
        vcpus = f"{row['VCPUs']} vCPU" + ("s" if row["VCPUs"] != 1 else "")
        return f"<{self.name} (d{self.id}): {row['State']}, {row['Mem']} MiB, {vcpus}>"

    def _repr_html_(self) -> str:
        return f"<code>{repr(self)[1:-1]}</code>"
