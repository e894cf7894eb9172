# What an emulator's debugger adds to a machine on the link: freeze, breakpoints, tables, frames.
"""A machine that is asked over the link, and whose emulator can be stopped from here."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from pyhv.api.domain import Domain
from pyhv.booted.watching import Watch
from pyhv.emulator import Emulator
from pyhv.errors import AlreadyFrozen, Frozen, TookTooLong
from pyhv.frozen import freeze
from pyhv.linked.domain import LinkedDomain
from pyhv.linked.machine import Linked


class FrozenP2m:
    """A domain's nested page tables; the machine stands still while they are walked."""

    def __init__(self, hv: "Stoppable", domain: LinkedDomain) -> None:
        self._hv = hv
        self._domain = domain

    def walk(self, gpa: int) -> Any:
        """Return each level's entry on the way to a guest physical address."""
        with self._hv.freeze() as frozen:
            return frozen.domains[self._domain.id].p2m.walk(gpa)

    @property
    def tables(self) -> int:
        """How many frames the tables take."""
        with self._hv.freeze() as frozen:
            return frozen.domains[self._domain.id].p2m.tables

    def __repr__(self) -> str:
        return f"<p2m of {self._domain.name}: walk(gpa) shows each level>"

    def _repr_html_(self) -> str:
        return f"p2m of <code>{self._domain.name}</code>: <code>walk(gpa)</code> shows each level"


class Stoppable(Linked):
    """A machine of tier T1."""

    tier = "T1"
    watch: Watch | None = None

    @property
    @abstractmethod
    def emulator(self) -> Emulator:
        """The emulator that runs it. Raises Closed, and NoDebugger."""

    @property
    @abstractmethod
    def is_frozen(self) -> bool:
        """Whether it stands still, because of us."""

    def ask(self, verb: str, **arguments: Any) -> Any:
        """Ask dom0 by a verb of the link. Raises Refused, and Frozen where nobody can answer."""
        if self.watch is not None:
            return self.watch.meanwhile(lambda: self._ask(verb, **arguments))
        if self.is_frozen:
            raise Frozen(f"the machine is frozen, and nobody in it can {verb}: leave the `with` "
                         "of freeze() first")
        return self._ask(verb, **arguments)

    def when_it_runs(self, deed: Callable[[], Any]) -> None:
        """Do what takes dom0: at once, or when the callback that asks for it is over."""
        if self.watch is not None and self.watch.is_calling:
            self.watch.afterwards(deed)
        else:
            deed()

    def _ask(self, verb: str, **arguments: Any) -> Any:
        return super().ask(verb, **arguments)

    def freeze(self) -> Any:
        """Stop the machine and read the hypervisor's own memory: `with hv.freeze() as f:`.

        No instruction runs until the `with` is left; dom0 may be dead. See pyhv.frozen. Raises
        AlreadyFrozen, and NotBuilt where drgn is not installed.
        """
        return freeze(self.emulator)

    def breakpoint(self, where: int | str, callback: Callable[[Any], Any], *,
                   domain: Domain | str | int | None = None) -> Watch:
        """Call `callback` when an instruction is about to be executed, until the end of a `with`.

        `where` is a function of the hypervisor's, "hv::create_domain", or an address: a domain's
        virtual one where a `domain` is given. The machine runs meanwhile, and dom0 answers. The
        callback is called in a thread of its own, while nothing runs: `hit.frozen` is the whole
        machine, which may be read, stepped, and given more breakpoints. It may remove() its own,
        say hit.stop(), and pause() or unpause() a domain, which dom0 does as soon as the callback
        is over; it can ask dom0 nothing else.
        Raises AlreadyFrozen where a breakpoint is set, or the machine frozen.
        """
        if self.watch is not None:
            raise AlreadyFrozen("the debugger waits at a breakpoint already: its callback may set "
                                "more, by hit.frozen.break_at()")
        return Watch(self, where, callback, self._number_of(domain))

    def run_until(self, where: int | str, *, domain: Domain | str | int | None = None,
                  timeout: float = 30.0) -> Any:
        """Let the machine run until an instruction, and return it frozen there: a `with` ends that.

        `where` is as for breakpoint(); `hit` of what is returned says who came. Raises
        TookTooLong where nobody does, and the machine goes on.
        """
        number = self._number_of(domain)
        frozen = self.freeze()
        try:
            here = frozen.break_at(where, domain=number)
            if frozen.run(timeout) is None:
                raise TookTooLong(f"waited {timeout:g} s for {here!r}")
            here.remove()
        except BaseException:
            frozen.close()
            raise
        return frozen

    @property
    def frames(self) -> Any:
        """Who owns how many of the machine's frames; it stands still while they are counted."""
        with self.freeze() as frozen:
            return frozen.frames

    def _p2m_of(self, domain: LinkedDomain) -> "FrozenP2m":
        return FrozenP2m(self, domain)
