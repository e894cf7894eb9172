# A machine whose dom0 answers over the link: what T1 and T2 have in common.
"""A machine that is asked over the link."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pyhv.api.domain import Domain
from pyhv.api.grants import Grants
from pyhv.api.machine import Cpus, Hypervisor
from pyhv.api.ports import Ports
from pyhv.api.waiting import waiting
from pyhv.errors import Closed, NotOnThisTier, TookTooLong, WrongArgument
from pyhv.linked.console import Console
from pyhv.linked.domain import LinkedDomain
from pyhv.linked.files import LINUX, File, Files, linux
from pyhv.linked.sharing import grants_of, ports_of
from pyhv.linked.store import Store
from pyhv.linked.stream import Stream

if TYPE_CHECKING:
    from pyhv.linked.tracing import LinkedTrace
    from pyhv.trace import Event
    from pyhv.trace.awaited import Awaited

LINUX_MEMORY, SMALL_MEMORY = 256, 16
LINUX_OPTIONS = "console=hvc0 quiet"


class Caller(Protocol):
    """The client's end of a link; `hello` is what dom0 said of itself."""

    hello: Any

    def call(self, verb: str, **arguments: Any) -> Any:
        """Ask dom0, and return what it answers. Raises Refused."""

    def reconnect(self) -> Any:
        """Begin a new session, and return what dom0 says of itself."""

    def close(self) -> None:
        """Hang up."""


class Linked(Hypervisor):
    """A machine of tier T2, over its link alone: see `pyhv.connect`."""

    tier = "T2"

    def __init__(self, link: Caller, where: str) -> None:
        self._link: Caller | None = link
        self.where = where
        self._forget()

    def _forget(self) -> None:
        """Begin to read what is said from its beginning."""
        self._consoles: dict[int, Console] = {}
        self._news = Stream("dom0's news", self._fetch_news)
        self._awaited: Awaited | None = None
        self._log = Stream("the hypervisor's log", self._fetch_log)

    def close(self) -> None:
        """Hang up; the machine goes on without us. Closed already, it stays so."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def ask(self, verb: str, **arguments: Any) -> Any:
        """Ask dom0 by a verb of the link, and return what it answers. Raises Refused."""
        if self._link is None:
            raise Closed(f"this machine is closed: open it again with {self._opened_by}")
        return self._link.call(verb, **arguments)

    def when_it_runs(self, deed: Callable[[], Any]) -> None:
        """Do what takes dom0: here, at once."""
        deed()

    def reconnect(self) -> None:
        """Begin anew with a dom0 that has, after LinkRestarted; what the old one said is gone."""
        if self._link is None:
            self.ask("hello")  # which raises Closed
        self._link.reconnect()  # type: ignore[union-attr]
        self._forget()

    @property
    def _opened_by(self) -> str:
        return f"pyhv.connect({self.where!r})"

    # What there is

    def _list(self) -> list[LinkedDomain]:
        return [LinkedDomain(self, told["id"], told["name"]) for told in self.ask("list")]

    @property
    def cpus(self) -> Cpus:
        """The physical CPUs: for how long each has had nothing to do, in seconds."""
        return Cpus([{"pCPU": told["id"], "Idle(s)": round(told["idle_ns"] / 1e9, 3)}
                     for told in self.ask("cpus")])

    @property
    def info(self) -> dict[str, Any]:
        """The machine's memory and clock, as dom0's `info` has them."""
        return self.ask("info")

    @property
    def hello(self) -> Any:
        """What dom0 said of itself when the link began: `build`, `engine`, `chapters`."""
        if self._link is None:
            self.ask("hello")  # which raises Closed
        return self._link.hello  # type: ignore[union-attr]

    @property
    def files(self) -> Files:
        """The files that domains can be made from."""
        return Files(self)

    @property
    def store(self) -> Store:
        """The store that domains share: `hv.store["/local/domain/1/name"]`."""
        return Store(self)

    @property
    def frames(self) -> Any:
        """Raise NotOnThisTier: it takes the emulator's debugger."""
        raise NotOnThisTier("frames are read out of a frozen machine's memory: T1 can be frozen")

    def _grants_of(self, domain: int) -> Grants:
        return grants_of(self, domain)

    def _ports_of(self, domain: int) -> Ports:
        return ports_of(self, domain)

    def _p2m_of(self, domain: LinkedDomain) -> Any:
        raise NotOnThisTier("nested tables are read out of a frozen machine: T1 can be frozen, "
                            "and T0's are at hand")

    def freeze(self) -> Any:
        """Raise NotOnThisTier: it takes the emulator's debugger."""
        raise NotOnThisTier("only an emulator's debugger can stop a machine: T1 can be frozen")

    def breakpoint(self, where: int | str, callback: Callable[[Any], Any], *,
                   domain: Domain | str | int | None = None) -> Any:
        """Raise NotOnThisTier: it takes the emulator's debugger."""
        raise NotOnThisTier("no debugger reaches this machine: T1 has breakpoints, and T0 has "
                            "them at hypercalls")

    def run_until(self, where: int | str, *, domain: Domain | str | int | None = None,
                  timeout: float = 30.0) -> Any:
        """Raise NotOnThisTier: it takes the emulator's debugger."""
        return self.breakpoint(where, print, domain=domain)

    def _console_of(self, domain: LinkedDomain) -> Console:
        if domain.id not in self._consoles:
            self._consoles[domain.id] = Console(self, domain.id, domain.name)
        return self._consoles[domain.id]

    # What was said

    def _fetch_log(self, cursor: int) -> dict[str, Any]:
        return self.ask("dmesg", **{"from": cursor})

    def _fetch_news(self, cursor: int) -> dict[str, Any]:
        told = self.ask("news", **{"from": cursor})
        text = "".join(f"{line}\n" for line in told["lines"])
        return {"text": text.encode(), "next": told["next"]}

    def dmesg(self) -> str:
        """Return what the hypervisor has said aloud, since dom0 keeps it."""
        return self._log.text

    @property
    def trace(self) -> "LinkedTrace":
        """What the hypervisor has noted: births, deaths and pauses, and what was recorded.

        `with hv.trace("domains") as t:` records all that a chapter can tell while it lasts, or a
        kind of event that comes by the thousand: hypercalls, exits, turns, bells, promises.
        Decoding needs the compiled half of the package: raises NotBuilt.
        """
        from pyhv.linked.tracing import LinkedTrace

        return LinkedTrace(self)

    def news(self) -> str:
        """Return what dom0 has told of domains that ended, rebooted or crashed."""
        return self._news.text

    def wait_for(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait for a line that matches, of dom0's news or the hypervisor's log; return the match.

        Lines that were there before, and were not waited for, count. Raises TookTooLong.
        """
        for _ in waiting(timeout):
            for said in (self._news, self._log):
                if match := said.find(pattern):
                    return match
        raise TookTooLong(f"waited {timeout:g} s for {pattern!r} in dom0's news and the "
                          f"hypervisor's log{self._log.tail()}")

    def wait_for_event(self, name: str, domain: Domain | str | int | None = None,
                       timeout: float = 30.0) -> "Event":
        """Wait for an event of the trace, and return it.

        One that came before, and was not waited for, counts; each is returned once. What comes by
        the thousand is noted while it is waited for, or in a `with hv.trace(...)`. Raises
        TookTooLong, and WrongArgument where no event has that name.
        """
        from pyhv.linked.tracing import Rings
        from pyhv.trace.awaited import Awaited, bit_of

        bit_of(name)
        number = self._number_of(domain)
        if self._awaited is None:
            self._awaited = Awaited(Rings(self, new_only=False))
        with self._awaited.noted(name):
            for _ in waiting(timeout):
                if event := self._awaited.find(name, number):
                    return event
        of = "" if number is None else f" of d{number}"
        raise TookTooLong(f"waited {timeout:g} s for the event {name}{of} in the trace")

    # Domains

    def create(self, name: str, memory: int | None = None, vcpus: int = 1, kernel: Any = "hello",
               ramdisk: File | Sequence[File] = (), cmdline: str | None = None) -> LinkedDomain:
        """Make a domain out of a kernel, and let it go.

        `kernel` and `ramdisk` are names of files that dom0 has (`hv.files`), paths of files here,
        or bytes; what dom0 lacks is sent. The kernel "linux" is Debian's, with busybox as its
        ramdisk. `memory` is in MiB: 16 by default, for Linux 256. Raises Refused, WrongArgument.
        """
        if kernel is None:
            raise WrongArgument("a domain needs a kernel here: a file, or \"linux\"")
        ramdisks = [ramdisk] if isinstance(ramdisk, File) else list(ramdisk)
        files = self.files
        is_linux = kernel == LINUX and LINUX not in files
        if is_linux:
            kernel, initrd = linux(files)
            ramdisks = ramdisks or [initrd]
        names = [files.name_of(file) for file in ramdisks]
        if memory is None:
            memory = LINUX_MEMORY if is_linux else SMALL_MEMORY
        if cmdline is None:
            cmdline = LINUX_OPTIONS if is_linux else ""
        made = self.ask("create", name=name, kernel=files.name_of(kernel), ramdisks=names,
                        memory=memory, vcpus=vcpus, cmdline=cmdline)
        return LinkedDomain(self, made["id"], name)

    def poweroff(self) -> None:
        """Turn the machine off, with everyone in it."""
        self.ask("poweroff")

    def reset(self) -> None:
        """Start the machine anew, without asking anyone in it; then reconnect()."""
        self.ask("reset")

    def __repr__(self) -> str:
        if self._link is None:
            return f"<machine at {self.where}: closed>"
        told = self.info
        return (f"<machine at {self.where}: {told['cpus']} pCPUs, "
                f"{told['total_kib'] // 1024} MiB, {len(self.domains)} domains>")
