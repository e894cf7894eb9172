# A pCPU of a stopped machine: whose instruction it is about to execute, and what led there.
"""Processors, by the hypervisor's own memory and by the emulator's registers."""

from typing import TYPE_CHECKING, Any

from pyhv.errors import NoSuchMemory
from pyhv.frozen.registers import Registers
from pyhv.frozen.tables import Table
from pyhv.frozen.values import elements, number, part, pointed
from pyhv.show import Row

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

LONGEST = 64  # frames of a backtrace


class Cpu:
    """A pCPU. `object` is drgn's view of hv::Cpu, with everything that it has."""

    def __init__(self, frozen: "Frozen", thing: Any, processor: int) -> None:
        self.frozen = frozen
        self.object = thing
        self.processor = processor
        self.number = number(thing.number)
        self._registers: Registers | None = None

    @property
    def registers(self) -> Registers:
        """Its registers, in whatever world it is."""
        if self._registers is None:
            values = self.frozen.door.registers(self.processor)
            self._registers = Registers(values, f"on pCPU {self.number}")
        return self._registers

    @property
    def in_hypervisor(self) -> bool:
        """Whether its next instruction is the hypervisor's: in its text, on its own tables.

        Where nobody is `inside` a guest it is the hypervisor's in any case.
        """
        here = self.registers
        if self.frozen.text(here.rip) and here.cr3 & ~0xFFF == self.frozen.root:
            return True
        return number(self._whereabouts.inside) == 0 if self._whereabouts is not None else True

    @property
    def _whereabouts(self) -> Any | None:
        return part(self.object, "domains", "struct hv::Whereabouts")

    @property
    def current(self) -> tuple[int, int] | None:
        """Whose registers are here, as (domain, vCPU); None where nobody's are."""
        whereabouts = self._whereabouts
        vcpu = pointed(whereabouts.current) if whereabouts is not None else None
        if vcpu is None:
            return None
        return number(pointed(vcpu.domain).id), number(vcpu.id)

    @property
    def guest(self) -> tuple[int, int] | None:
        """The (domain, vCPU) whose instruction is next; None where it is the hypervisor's."""
        return None if self.in_hypervisor else self.current

    @property
    def world(self) -> str:
        """Whose instruction is next: "hypervisor", or "d1 v0"."""
        guest = self.guest
        return "hypervisor" if guest is None else f"d{guest[0]} v{guest[1]}"

    def backtrace(self) -> Table:
        """Return the calls that led to where the hypervisor stands; a guest's are not followed."""
        here = self.registers
        rows: list[Row] = [self._place(here.rip)]
        frame = here.rbp if self.in_hypervisor else 0
        while frame and len(rows) < LONGEST:
            try:
                content = self.frozen.addresses.read(frame, 16)
            except NoSuchMemory:
                break
            back = int.from_bytes(content[8:], "little")
            if not self.frozen.text(back):
                break
            rows.append(self._place(back))
            frame = int.from_bytes(content[:8], "little")
        return Table(rows)

    def _place(self, address: int) -> Row:
        where = self.frozen.name_of(address) if self.in_hypervisor else self.world
        return {"address": f"{address:#x}", "in": where}

    def row(self) -> Row:
        """Return its line in the table of pCPUs."""
        current, rip = self.current, self.registers.rip
        return {
            "pCPU": self.number, "World": self.world, "rip": f"{rip:#x}",
            "In": self.frozen.name_of(rip) if self.in_hypervisor else "",
            "vCPU here": "" if current is None else f"d{current[0]} v{current[1]}",
            "Asks": number(self.object.asks),
        }

    def __repr__(self) -> str:
        return f"<pCPU {self.number}: {self.world}>"

    def _repr_html_(self) -> str:
        return f"<code>pCPU {self.number}</code>: {self.world}"


def find_cpus(frozen: "Frozen") -> list[Cpu]:
    """Return the machine's pCPUs; the emulator numbers its processors as their APIC ids rise."""
    machine = frozen.machine
    pointers = elements(machine.cpus)
    things = [pointed(pointers[i]) for i in range(number(machine.cpu_count))]
    ids = sorted(number(thing.apic_id) for thing in things)
    return [Cpu(frozen, thing, ids.index(number(thing.apic_id))) for thing in things]
