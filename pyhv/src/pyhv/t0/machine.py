# The hosted machine as Python has it: opened, asked, run and closed.
"""A machine of tier T0."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyhv.api.domain import Domain
from pyhv.api.grants import Grants
from pyhv.api.machine import Cpus, Hypervisor
from pyhv.api.ports import Ports
from pyhv.errors import Closed, Failure, NotOnThisTier, Refused, TookTooLong, WrongArgument
from pyhv.speed import scaled
from pyhv.t0.breakpoints import Breakpoint, Hit
from pyhv.t0.calls import Answer, Argument, Request
from pyhv.t0.domain import HostedDomain
from pyhv.t0.guest import Code, Guest, Program
from pyhv.t0.native import load
from pyhv.t0.run import Runner
from pyhv.t0.sharing import grants_of, ports_of
from pyhv.t0.tracing import HostedTrace, Rings, Since
from pyhv.trace.awaited import Awaited, bit_of
from pyhv.trace.event import Event

TOOLSTACK_AT = 0x10000
"""Where in dom0's memory the toolstack writes its structures."""
LEAST_MEMORY, MOST_MEMORY = 8, 4096


class Hosted(Hypervisor):
    """The chapters' code in this process: see `pyhv.hosted`."""

    tier = "T0"

    def __init__(self, seed: int, cpus: int, memory: int) -> None:
        native = load()
        if not 1 <= cpus <= native.MAX_CPUS:
            raise WrongArgument(f"cpus={cpus}: a machine has 1 to {native.MAX_CPUS}")
        if not LEAST_MEMORY <= memory <= MOST_MEMORY or memory % 2:
            raise WrongArgument(
                f"memory={memory}: an even number of MiB, {LEAST_MEMORY} to {MOST_MEMORY}"
            )
        self.seed = seed
        self._cpus = cpus
        self.memory = memory
        self._machine: Any = native.Machine(cpus, memory)
        self._names = {0: "dom0"}
        self._programs: dict[int, Program] = {}
        self._runner = Runner(self._machine, cpus, seed, self._programs)
        self._running = False
        self._rings = Rings(lambda: self._native)
        self._awaited = Awaited(Since(self._rings, 0))

    def close(self) -> None:
        """Let go of the machine, and of every guest where it is. Closed already, it stays so."""
        for program in self._programs.values():
            program.stop()
        self._programs.clear()
        self._machine = None

    @property
    def _native(self) -> Any:
        if self._machine is None:
            raise Closed("this machine is closed: open another with pyhv.hosted()")
        return self._machine

    def _list(self) -> list[HostedDomain]:
        native = self._native
        return [HostedDomain(self, i, self._names.get(i, f"d{i}")) for i in native.domains()]

    @property
    def cpus(self) -> Cpus:
        """The pCPUs: which vCPU each has, between two steps."""
        on = {vcpu.cpu: repr(vcpu)[1:-1] for domain in self._list() for vcpu in domain.vcpus
              if vcpu.state == "running"}
        return Cpus([{"pCPU": cpu, "Runs": on.get(cpu, "nobody")} for cpu in range(self._cpus)])

    @property
    def frames(self) -> Any:
        """Raise NotOnThisTier: a table of frames is read out of a frozen machine."""
        raise NotOnThisTier("frames are read out of a frozen machine's memory: T1 can be frozen")

    @property
    def store(self) -> Any:
        """Raise NotOnThisTier: dom0 keeps the store, and here it is no program."""
        raise NotOnThisTier("a hosted dom0 is a coroutine and keeps no store: T1's and T2's does")

    def _grants_of(self, domain: int) -> Grants:
        return grants_of(self, domain)

    def _ports_of(self, domain: int) -> Ports:
        return ports_of(self, domain)

    @property
    def now(self) -> int:
        """How long the machine has run by its own clock, in ns."""
        return self._native.now

    @property
    def trace(self) -> HostedTrace:
        """What has been noted so far: births, deaths and pauses, and what was recorded.

        `with hv.trace("domains") as t:` records all that a chapter can tell while it lasts, or a
        kind of event that comes by the thousand: hypercalls, exits, turns, bells, promises.
        """
        return HostedTrace(self._rings)

    def dmesg(self) -> str:
        """Return what the hypervisor has said aloud: the last 16 KiB of it."""
        return self._native.dmesg()

    def freeze(self) -> Any:
        """Stop a machine at an instruction, on the tier that has an emulator."""
        raise NotOnThisTier("a hosted machine stands still whenever Python does: T1 can be frozen")

    def wait_for(self, pattern: str, timeout: float = 30.0) -> Any:
        """Raise NotOnThisTier: nothing happens while Python waits."""
        raise NotOnThisTier("a hosted machine stands still whenever Python does: hv.run() lets its "
                            "guests go on; T1's and T2's go on by themselves")

    @staticmethod
    def constant(name: str) -> int:
        """Return the number that Xen's public headers give that name."""
        return load().CONSTANTS[name]

    # The toolstack: what dom0 asks of the hypervisor in a person's name

    def toolstack(self, name: str, *arguments: Argument) -> Answer:
        """Make a hypercall in dom0's name, as its toolstack does. Raises Refused."""
        native = self._native
        request = Request(name, arguments, TOOLSTACK_AT, lambda at, d: native.write(0, at, d))
        answer = request.answer(
            native.ask(request.number, request.registers), lambda at, n: native.read(0, at, n)
        )
        if answer.error is not None:
            raise Refused(f"the hypervisor refused {request}: {answer.error}", answer.error)
        return answer

    def create(
        self, name: str, memory: int | None = 4, vcpus: int = 1, kernel: Any = None
    ) -> HostedDomain:
        """Make a domain with `memory` MiB, and let it go; its vCPU halts until it has a guest.

        Only its first vCPU can have a guest here. Raises Refused, and leaves nothing behind.
        """
        if kernel is not None:
            raise NotOnThisTier(f"no processor here could run {kernel}: T1 and T2 have one")
        memory = 4 if memory is None else memory
        if not name.isidentifier():
            raise WrongArgument(f"{name!r} cannot be a domain's name: letters, digits and _ can")
        if name in self.domains:
            raise WrongArgument(f"there is a domain {name} already")
        if memory < 1 or vcpus < 1:
            raise WrongArgument(f"memory={memory}, vcpus={vcpus}: a domain has at least 1 of each")
        # As Xen's own tools do it: a number, limits, vCPUs, memory, and the first go
        number = self.toolstack("domctl", "createdomain", {
            "flags": self.constant("XEN_DOMCTL_CDF_hvm") | self.constant("XEN_DOMCTL_CDF_hap"),
            "max_vcpus": vcpus, "max_evtchn_port": 1023, "max_grant_frames": 64,
            "max_maptrack_frames": 1024, "grant_opts": 2, "emulation_flags": "XEN_X86_EMU_LAPIC",
        }).domain
        self._names[number] = name
        domain = HostedDomain(self, number, name)
        try:
            self.toolstack("domctl", "max_mem", {"domain": number, "max_memkb": memory * 1024})
            self.toolstack("domctl", "max_vcpus", {"domain": number, "max": vcpus})
            self._populate(domain, memory)
            self._native.boot(number, 0)
            domain.unpause()
        except Failure:
            domain.destroy()
            raise
        return domain

    def _populate(self, domain: HostedDomain, memory: int) -> None:
        """Give it RAM from 0 on, in pages of 2 MiB, and an odd MiB in pages of 4 KiB."""
        whole = memory // 2
        for order, gfns in ((9, range(0, whole << 9, 1 << 9)),
                            (0, range(whole << 9, memory << 8))):
            extents = b"".join(gfn.to_bytes(8, "little") for gfn in gfns)
            if not extents:
                continue
            at = TOOLSTACK_AT + 0x1000
            self._native.write(0, at, extents)
            done = self.toolstack("memory_op", "populate_physmap", {
                "extent_start": at, "nr_extents": len(gfns), "extent_order": order,
                "domid": domain.id,
            })
            if done < len(gfns):
                free = self._native.free_frames // 256
                raise Refused(
                    f"{domain.name} cannot have {memory} MiB: {free} MiB are left", "ENOMEM"
                )

    def forget(self, number: int) -> None:
        """Let go of what is kept here of a domain that is gone."""
        self._names.pop(number, None)
        if program := self._programs.pop(number, None):
            program.stop()

    # Guests

    def run(self, *guests: Code, steps: int | None = None, **named: Code) -> dict[str, Any]:
        """Let guests run, with those that still do, until none can go on; or for so many steps.

        A guest is an `async def` that takes one argument, itself. It is the program of the domain
        with its name, or of the keyword's; where there is none, one is made. Guests take turns on
        the pCPUs as the hypervisor's scheduler has it; the machine's seed says how long each step
        takes, and which pCPU comes first. One that ends halts its vCPU.

        Returns what each guest that ended returned, by its domain's name. An exception in a guest
        crashes its domain and comes out whole, with `guest` attached; the others can go on with
        the next run(). So they can after Ctrl-C, which waits for the end of a step.

        >>> import pyhv
        >>> async def version(me):
        ...     answer = await me.hypercall("xen_version", "version")
        ...     return f"{answer >> 16}.{answer & 0xffff}"
        >>> with pyhv.hosted() as hv:
        ...     hv.run(version)
        {'version': '4.17'}
        """
        for guest in guests:
            self._begin(getattr(guest, "__name__", repr(guest)), guest)
        for name, guest in named.items():
            self._begin(name, guest)
        try:
            with self._alone():
                self._runner.go(steps)
        finally:
            ended = self._take_ended()
        return ended

    def wait_for_event(self, name: str, domain: Domain | str | int | None = None,
                       timeout: float = 30.0) -> Event:
        """Let the guests run, step by step, until the trace has the event; return it.

        One that came before, and was not waited for, counts; each is returned once. What guests
        that end meanwhile return is the next run()'s to tell. Raises TookTooLong, also where no
        guest can go on; and WrongArgument where no event has that name.

        >>> import pyhv
        >>> async def web(me):
        ...     await me.hypercall("xen_version", "version")
        >>> with pyhv.hosted() as hv:
        ...     _ = hv.run(web, steps=0)
        ...     hv.wait_for_event("hypercall_made", domain="web")
        <domains.hypercall_made domain=1 vcpu=0 call=xen_version first=0>
        """
        bit_of(name)
        number = self._number_of(domain)
        what = f"the event {name}" + ("" if number is None else f" of d{number}")
        found: list[Event] = []

        def look() -> bool:
            found.extend(filter(None, [self._awaited.find(name, number)]))
            return bool(found)

        with self._awaited.noted(name), self._alone():
            self._step_until(look, timeout, what)
        return found[0]

    def breakpoint(self, where: int | str, callback: Callable[[Hit], Any], *,
                   domain: Domain | str | int | None = None) -> Breakpoint:
        """Call `callback` before each hypercall of that name, until the end of a `with`.

        The callback may read everything, pause or destroy the domain, remove its own breakpoint,
        and say hit.stop(), which ends run(). An exception in it pauses the guest and comes out
        whole, with `hit` and `guest` attached. Raises NotOnThisTier for an instruction.

        >>> import pyhv
        >>> async def web(me):
        ...     await me.hypercall("xen_version", "version")
        >>> with pyhv.hosted() as hv, hv.breakpoint("xen_version", print):
        ...     _ = hv.run(web)
        <web (d1) before xen_version('version')>
        """
        return Breakpoint(self._runner.breakpoints, where, self._number_of(domain), callback)

    def run_until(self, where: int | str, *, domain: Domain | str | int | None = None,
                  timeout: float = 30.0) -> Hit:
        """Let the guests run until one is about to make that hypercall; return who, and which.

        The next run() begins with it. Raises TookTooLong, also where no guest can go on.
        """
        hits: list[Hit] = []
        met = self.breakpoint(where, lambda hit: (hits.append(hit), hit.stop()), domain=domain)
        with met, self._alone():
            self._step_until(lambda: bool(hits), timeout, f"the hypercall {where}")
        return hits[0]

    def _step_until(self, found: Callable[[], bool], timeout: float, what: str) -> None:
        end = time.monotonic() + scaled(timeout)
        while not found():
            if time.monotonic() >= end:
                raise TookTooLong(f"waited {timeout:g} s for {what}")
            if not self._runner.go(1):
                raise TookTooLong(f"waited for {what}, and no guest can go on: hv.run(guest, "
                                  "steps=0) brings another")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Run the machine, which nobody does who runs in it."""
        _ = self._native  # closed: nothing runs
        if self._running:
            raise WrongArgument("a guest cannot run the machine that runs it")
        self._running = True
        try:
            yield
        finally:
            self._running = False

    def _begin(self, name: str, guest: Code) -> None:
        domain = self.domains[name] if name in self.domains else self.create(name)
        if domain.id in self._programs:
            raise WrongArgument(f"{name} has a guest that has not ended: run() lets it go on")
        if domain.state not in ("alive", "paused"):
            raise WrongArgument(f"{name} is {domain.state}: it runs no guest any more")
        self._programs[domain.id] = Program(Guest(domain), guest)
        self._native.wake(domain.id, 0)

    def _take_ended(self) -> dict[str, Any]:
        """Take out the guests that ended, and those whose domain did; return what they returned."""
        results: dict[str, Any] = {}
        if self._machine is None or self._machine.death:
            return results
        for number, program in list(self._programs.items()):
            domain = program.me.domain
            over = number not in self.domains or domain.state not in ("alive", "paused")
            if program.ended and not over:
                results[domain.name] = program.result
            if program.ended or over:
                program.stop()
                del self._programs[number]
        return results

    def __repr__(self) -> str:
        if self._machine is None:
            return "<hosted machine: closed>"
        if self._machine.death:
            return f"<hosted machine: dead, since {self._machine.death}>"
        return (f"<hosted machine: {self._cpus} pCPUs, {self.memory} MiB, seed {self.seed}, "
                f"{len(self.domains)} domains>")
