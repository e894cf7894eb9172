# A machine that stands still: everything of it, out of the hypervisor's own memory.
"""The object that `freeze` returns."""

import bisect
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import drgn

from pyhv import symbols
from pyhv.emulator import Emulator
from pyhv.errors import AlreadyFrozen, Closed, NoSuchDomain, WrongArgument
from pyhv.frozen.breakpoints import Breakpoint, Hit, Runner, Step
from pyhv.frozen.cpu import Cpu, find_cpus
from pyhv.frozen.domain import Domain
from pyhv.frozen.door import Door, open_door
from pyhv.frozen.frames import count_frames, find_areas
from pyhv.frozen.information import Information
from pyhv.frozen.memory import Addresses, Memory, find_image
from pyhv.frozen.tables import Numbered, Table
from pyhv.frozen.values import number, part, pointed
from pyhv.show import Row, Shown

MACHINE = "_ZN2hv12_GLOBAL__N_17machineE"  # hv::(anonymous namespace)::machine, in hv/main.cpp


class Domains(Shown):
    """The domains, by their ids."""

    def __init__(self, domains: list[Domain]) -> None:
        self._domains = {domain.id: domain for domain in domains}

    def _rows(self) -> list[Row]:
        return [domain.row() for domain in self._domains.values()]

    def __getitem__(self, id_: int) -> Domain:
        if id_ not in self._domains:
            have = ", ".join(f"d{each}" for each in self._domains) or "none"
            raise NoSuchDomain(f"there is no d{id_}; there are: {have}")
        return self._domains[id_]

    def __iter__(self) -> Iterator[Domain]:
        return iter(self._domains.values())

    def __len__(self) -> int:
        return len(self._domains)


class Frozen:
    """A machine in which no instruction runs, from `freeze` until the `with` is left."""

    def __init__(self, emulator: Emulator, image: Path | None = None) -> None:
        if emulator.frozen:
            raise AlreadyFrozen("the machine is frozen already: leave that `with`, or call close()")
        image = image or emulator.machine.image
        if image is None:
            raise WrongArgument("this machine has no image of its own: freeze(…, image=PATH)")
        self._information = Information(image)
        self._emulator = emulator
        self._door: Door | None = open_door(emulator)
        emulator.frozen = True
        self._runner = Runner(self)
        self.hit: Hit | None = None  # the last run's
        try:
            self._memory = Memory(self.door)
            loaded = find_image(self._memory, self._information, emulator.machine.memory_mib)
            self._addresses = Addresses(self._memory, self._information, loaded)
            program = self._information.program
            program.add_memory_segment(0, (1 << 64) - 1, self._read_for_drgn, False)
            self._addresses.root = self.root
        except BaseException:
            self.close()
            raise

    def _read_for_drgn(self, address: int, count: int, offset: int, physical: bool) -> bytes:
        return self.addresses.read(address, count)

    # What is open, and until when

    def close(self) -> None:
        """Let the machine go on. What was read stays readable; no more can be."""
        if self._door is None:
            return
        try:
            if self._emulator.process.poll() is None:
                self._runner.remove_all()
                self._door.leave()
        finally:
            self._door = None
            self._emulator.frozen = False

    def __enter__(self) -> "Frozen":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def door(self) -> Door:
        """The emulator's debugger. Raises Closed."""
        if self._door is None:
            raise Closed("this machine runs again: freeze it anew")
        return self._door

    @property
    def memory(self) -> Memory:
        """Physical memory. Raises Closed."""
        self.door  # noqa: B018
        return self._memory

    @property
    def addresses(self) -> Addresses:
        """Memory as the hypervisor addresses it. Raises Closed."""
        self.door  # noqa: B018
        return self._addresses

    def ran(self) -> None:
        """Forget what was read: the machine ran."""
        self._memory.forget()
        self.__dict__.pop("cpus", None)

    # The hypervisor's objects and names

    @property
    def program(self) -> drgn.Program:
        """The view that is drgn's own, for all that it can do."""
        return self._information.program

    @property
    def machine(self) -> Any:
        """The one object of hv::Machine, as drgn's."""
        return drgn.Object(
            self.program, "struct hv::Machine", address=self.program.symbol(MACHINE).address)

    def __getitem__(self, name: str) -> Any:
        """Return a variable, as drgn's object: "hv::machine", "hv::boot::plug"."""
        return self.machine if name == "hv::machine" else self.program[name]

    @property
    def engine(self) -> str:
        """The engine that runs guests: "SVM" or "VMX"; "" while none was chosen."""
        chosen = self.machine.engine
        return chosen.name.string_().decode() if number(chosen) else ""

    @property
    def root(self) -> int:
        """The machine address of the hypervisor's own page tables; 0 before it made them."""
        return number(self.machine.facts.host_tables)

    def text(self, address: int) -> bool:
        """Return whether that address is within the image."""
        return self._information.start <= address < self._information.end

    @cached_property
    def _functions(self) -> list[tuple[int, str]]:
        return symbols.functions("nm", str(self._information.image))

    def name_of(self, address: int) -> str:
        """Return the function that holds an address, and how far in it is: "hv::halt+0x4"."""
        index = bisect.bisect_right(self._functions, (address, "\uffff")) - 1
        if index < 0 or not self.text(address):
            return f"{address:#x}"
        start, name = self._functions[index]
        return f"{name}+{address - start:#x}" if address > start else name

    def address_of(self, name: str) -> int:
        """Return where a function of the hypervisor's begins: "hv::create_domain"."""
        for address, known in self._functions:
            if known == name:
                return address
        raise WrongArgument(f"the hypervisor has no function {name}")

    # What there is

    @cached_property
    def cpus(self) -> Numbered[Cpu]:
        """The pCPUs."""
        return Numbered(find_cpus(self))

    @property
    def domains(self) -> Domains:
        """The domains, also those that are being taken apart."""
        household = part(self.machine, "domains", "struct hv::Household")
        if household is None:
            return Domains([])
        header = household.domains.data_.root_plus_size_.m_header
        found, at = [], number(header.next_)
        while at != header.address_:
            # A domain begins with the list's node
            found.append(Domain(self, drgn.Object(self.program, "struct hv::Domain", address=at)))
            at = number(found[-1].object.next_)
        return Domains(found)

    @property
    def frames(self) -> Table:
        """Who owns how many of the machine's frames, by the frame table."""
        return count_frames(self)

    @property
    def areas(self) -> Table:
        """The machine's memory as the frame table has it: from where to where it is whose."""
        return find_areas(self)

    def dmesg(self) -> str:
        """Return the last of what the hypervisor said, up to 16 KiB."""
        console = self.machine.console
        written, ring = number(console.written_), drgn.sizeof(console.ring_)
        content = self.program.read(console.ring_.address_, ring)
        start = written % ring if written > ring else 0
        text = (content[start:] + content[:start])[:written]
        return text.decode("utf-8", "replace")

    def trace(self) -> dict[int, bytes]:
        """Return the records in each pCPU's ring, oldest first, as hv::TraceRecord lies there."""
        return {cpu.number: self._ring(cpu.object.trace) for cpu in self.cpus}

    def _ring(self, ring: Any) -> bytes:
        head = pointed(ring)
        if head is None:
            return b""
        record = number(head.record_bytes)  # the records lie behind their head
        size, filled = number(head.capacity) * record, number(head.written) * record
        content = self.program.read(head.address_ + drgn.sizeof(head), size)
        if filled <= size:
            return content[:filled]
        return content[filled % size:] + content[:filled % size]

    def backtrace(self, cpu: int) -> Table:
        """Return the hypervisor's calls on a pCPU."""
        return self.cpus[cpu].backtrace()

    # Letting it go on by steps: see breakpoints.py

    def break_at(
        self, where: int | str, callback: Callable[[Hit], Any] | None = None, *,
        domain: int | None = None,
    ) -> Breakpoint:
        """Have `run` notice when an instruction is about to be executed.

        `where` is a function of the hypervisor's, or an address: a domain's virtual one where a
        `domain` is given, else the hypervisor's.
        """
        address = self.address_of(where) if isinstance(where, str) else where
        return self._runner.add(address, domain, callback)

    def run(self, timeout: float = 10.0) -> Hit | None:
        """Let the machine run until a breakpoint stops it; None where none did in `timeout` s."""
        self.hit = self._runner.run(timeout)
        return self.hit

    def step(self, domain: int, vcpu: int = 0) -> Step:
        """Let a vCPU that is on a pCPU execute one instruction. Raises NotOnProcessor."""
        return self._runner.step(domain, vcpu)

    def __repr__(self) -> str:
        if self._door is None:
            return "<frozen machine: closed, it runs again>"
        count = f"{len(self.cpus)} pCPUs, {len(self.domains)} domains"
        return f"<frozen machine: {self.engine}, {count}>"
