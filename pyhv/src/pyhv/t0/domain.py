# Domains as the book tells of them: their vCPUs, their memory, their nested page tables.
"""A domain of a hosted machine, and its parts."""

from typing import Any

from pyhv.api.domain import GONE, Domain, Facts, Vcpu, Vcpus
from pyhv.errors import NotOnThisTier
from pyhv.show import Row, Shown

FRAMES_IN_A_MEBIBYTE = 256


class HostedVcpu(Vcpu):
    """A virtual CPU whose guest is a coroutine."""

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
        """Raise NotOnThisTier: there is no processor."""
        raise NotOnThisTier("a hosted guest is a coroutine and has no registers: T1 and T2 have")


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

    def __init__(self, domain: Domain) -> None:
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


class HostedDomain(Domain):
    """One domain of a hosted machine.

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

    @property
    def _native(self) -> Any:
        return self._hv._native

    @property
    def _view(self) -> Any:
        return self._native.domain(self.id)

    def _facts(self) -> Facts:
        view = self._view
        return Facts(self._state_of(view), view.frames // FRAMES_IN_A_MEBIBYTE, len(view.vcpus))

    def _state_of(self, view: Any) -> str:
        if view.life == "shut down":
            return "crashed" if view.reason == self._hv.constant("SHUTDOWN_crash") else view.life
        return "paused" if view.paused and view.life == "alive" else view.life

    @property
    def hypercalls(self) -> int:
        """How many hypercalls it has made."""
        return self._view.hypercalls

    @property
    def vcpus(self) -> Vcpus:
        """Its virtual CPUs, by their numbers."""
        return Vcpus([HostedVcpu(self, view.id) for view in self._view.vcpus])

    @property
    def p2m(self) -> P2m:
        """Its nested page tables."""
        return P2m(self)

    @property
    def console(self) -> Any:
        """Raise NotOnThisTier: no kernel drives one."""
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

    def shutdown(self) -> None:
        """Raise NotOnThisTier: a coroutine has no kernel to ask."""
        raise NotOnThisTier("a hosted guest has no kernel to ask: T1's and T2's have one")

    def reboot(self) -> None:
        """Raise NotOnThisTier: a coroutine has no kernel to ask."""
        raise NotOnThisTier("a hosted guest has no kernel to ask: T1's and T2's have one")

    def destroy(self) -> None:
        """Take it apart: its guest stops, and its memory is the machine's again."""
        self._hv.toolstack("domctl", "destroydomain", {"domain": self.id})
        self._hv.forget(self.id)

    def wait(self, *states: str, timeout: float = 30.0) -> str:
        """Return its state where it is one of these, or "gone". Nothing happens meanwhile.

        Raises NotOnThisTier for any other: guests run in run(), and stand still out of it.
        """
        state = self._state_or_gone()
        if state in (states or (GONE,)):
            return state
        raise NotOnThisTier(f"{self.name} is {state} and stays so until hv.run(): "
                            "only the guests of T1 and T2 go on by themselves")
