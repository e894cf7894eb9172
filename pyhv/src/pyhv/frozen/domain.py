# A domain of a stopped machine: its life, its vCPUs, its tables, its ports and grants.
"""Domains as the hypervisor's own memory has them."""

import struct
from typing import TYPE_CHECKING, Any

from pyhv.errors import NoSuchMemory
from pyhv.frozen.registers import Registers, saved
from pyhv.frozen.tables import Numbered, Table
from pyhv.frozen.values import elements, number, part, pointed, word
from pyhv.frozen.vmcs import fields
from pyhv.show import Row
from pyhv.t0 import native
from pyhv.t0.domain import Walk

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

PAGE = 4096
NO_REASON, CRASHED = 0xFF, 3  # Domain::no_reason, and SHUTDOWN_crash of Xen's public headers
GRANT_ENTRY = struct.Struct("<HHI")  # Xen's grant_entry_v1: flags, domid, frame
GRANT_ENTRY_2 = struct.Struct("<HHIQ")  # its grant_entry_v2, of a whole page
GRANT_TYPES = {1: "access", 2: "transfer", 3: "transitive"}


class Vcpu:
    """A virtual CPU. `object` is drgn's view of hv::Vcpu, with everything that it has."""

    def __init__(self, domain: "Domain", thing: Any) -> None:
        self.domain = domain
        self.object = thing
        self.id = number(thing.id)

    @property
    def state(self) -> str:
        """Where it stands: "running", "runnable", "blocked", "paused" or "down"."""
        thing = self.object
        if number(thing.down):
            return "down"
        if number(thing.running):
            return "running"
        if number(thing.pauses) or number(self.domain.object.pauses):
            return "paused"
        return "blocked" if number(thing.blocked) else "runnable"

    @property
    def cpu(self) -> int:
        """The pCPU where it runs, or ran last."""
        return number(self.object.cpu)

    @property
    def registers(self) -> Registers:
        """Its registers: the pCPU's own where its guest runs, else as the hypervisor saved them."""
        frozen = self.domain.frozen
        for cpu in frozen.cpus:
            if cpu.guest is not None and cpu.guest == (self.domain.id, self.id):
                return cpu.registers
        return saved(frozen, self.object)

    @property
    def control(self) -> Any:
        """Its control block, with its types: a VMCB, or what VMX's engine keeps beside a VMCS."""
        kind = "svm::Vmcb" if self.domain.frozen.engine == "SVM" else "vmx::Companion"
        return pointed(self.object.hardware.control, f"struct hv::{kind}")

    @property
    def last_exit(self) -> str:
        """Why it last left its guest, by hv's name of the engine's code; "" where that is unknown.

        Bochs is the only processor with VMX whose VMCS can be read.
        """
        frozen, code = self.domain.frozen, None
        kind = "enum hv::svm::ExitCode"
        if frozen.engine == "SVM":
            code = number(self.control.control.exitcode) & 0xFFFFFFFF
        else:
            kind = "enum hv::vmx::ExitReason"
            code = fields(frozen, self.object).get("EXIT_REASON")
        names = {each.value: each.name for each in frozen.program.type(kind).enumerators}
        return "" if code is None else names.get(code & 0xFFFFFFFF, f"{code:#x}")

    def row(self) -> Row:
        """Return its line in a table."""
        return {"vCPU": self.id, "State": self.state, "pCPU": self.cpu,
                "Last exit": self.last_exit, "Attention": f"{number(self.object.attention):#x}"}

    def __repr__(self) -> str:
        return f"<d{self.domain.id} v{self.id}: {self.state}>"

    def _repr_html_(self) -> str:
        return f"<code>d{self.domain.id} v{self.id}</code>: {self.state}"


class P2m:
    """A domain's nested page tables, in its engine's format, walked by hv's own code."""

    def __init__(self, domain: "Domain") -> None:
        self._domain = domain

    @property
    def root(self) -> int:
        """The machine address of the table at the top."""
        return number(self._domain.object.p2m.root_)

    @property
    def tables(self) -> int:
        """How many frames the tables take."""
        return number(self._domain.object.p2m.table_frames_)

    def walk(self, gpa: int) -> Walk:
        """Return each level's entry on the way to a guest physical address."""
        frozen = self._domain.frozen
        kind = {"SVM": "NPT", "VMX": "EPT"}[frozen.engine]
        return Walk(gpa, native.load().walk_tables(kind, self.root, gpa, frozen.memory.word))

    def __repr__(self) -> str:
        return f"<p2m of d{self._domain.id}: {self.tables} tables from {self.root:#x}>"

    def _repr_html_(self) -> str:
        return f"p2m of <code>d{self._domain.id}</code>: {self.tables} tables"


class Domain:
    """One domain. `object` is drgn's view of hv::Domain, with everything that it has."""

    def __init__(self, frozen: "Frozen", thing: Any) -> None:
        self.frozen = frozen
        self.object = thing
        self.id = number(thing.id)

    @property
    def life(self) -> str:
        """Where it stands in its life: "building", "alive", "shut down", "dying" or "dead"."""
        return word(self.object.life)

    @property
    def state(self) -> str:
        """The six letters that dom0's `list` shows, by the rules of hv/domains/domctl.cpp."""
        thing, life, vcpus = self.object, self.life, [v for v in self.vcpus if v.state != "down"]
        reason = number(thing.shutdown_reason)
        ended = life == "shut down"
        flags = {
            "r": any(number(v.object.running) for v in vcpus),
            "b": bool(vcpus) and all(number(v.object.blocked) for v in vcpus),
            "p": number(thing.paused_by_toolstack),
            "s": ended,
            "c": ended and reason == CRASHED,
            "d": life in ("dying", "dead"),
        }
        return "".join(letter if on else "-" for letter, on in flags.items())

    @property
    def frames(self) -> int:
        """How many frames of RAM are its own."""
        return number(self.object.frames_owned)

    @property
    def vcpus(self) -> Numbered[Vcpu]:
        """Its virtual CPUs, by their numbers."""
        pointers = elements(self.object.vcpus)
        made = number(self.object.vcpu_count)
        return Numbered([Vcpu(self, pointed(pointers[i])) for i in range(made)])

    @property
    def p2m(self) -> P2m:
        """Its nested page tables."""
        return P2m(self)

    def read(self, gpa: int, count: int) -> bytes:
        """Return bytes of its memory, by guest physical address. Raises NoSuchMemory."""
        pieces = []
        while count > 0:
            mpa = self.p2m.walk(gpa).mpa
            if mpa is None:
                raise NoSuchMemory(f"d{self.id} has no memory at {gpa:#x}")
            piece = self.frozen.memory.read(mpa, min(count, PAGE - gpa % PAGE))
            pieces.append(piece)
            gpa, count = gpa + len(piece), count - len(piece)
        return b"".join(pieces)

    @property
    def ports(self) -> Table:
        """Its event channels: every port that is not free."""
        channels = part(self.object, "events", "struct hv::EventChannels")
        rows: list[Row] = []
        for at, pointer in enumerate(elements(channels.pages) if channels is not None else []):
            page = pointed(pointer)
            rows += [] if page is None else _port_rows(elements(page), at)
        return Table(rows)

    @property
    def grants(self) -> Table:
        """Its grant table: every entry that its guest has made."""
        table = part(self.object, "grants", "struct hv::GrantTable")
        if table is None:
            return Table([])
        content = b"".join(
            self.frozen.memory.read(number(elements(table.frames)[i]) * PAGE, PAGE)
            for i in range(number(table.frame_count))
        )
        layout = GRANT_ENTRY if number(table.version) == 1 else GRANT_ENTRY_2
        return Table([
            {"ref": ref, "for": f"d{domid}", "frame": f"{frame:#x}", "flags": f"{flags:#x}",
             "is": GRANT_TYPES[flags & 3]}
            for ref, (flags, domid, *_, frame) in enumerate(layout.iter_unpack(content))
            if flags & 3
        ])

    def row(self) -> Row:
        """Return its line in the table of domains."""
        return {
            "ID": self.id, "State": self.state, "Life": self.life, "Mem": self.frames // 256,
            "VCPUs": len(self.vcpus), "Frames": self.frames, "Tables": self.p2m.tables,
            "Hypercalls": number(self.object.hypercalls), "Exits": number(self.object.exits),
        }

    def __repr__(self) -> str:
        vcpus = f"{len(self.vcpus)} vCPU" + ("s" if len(self.vcpus) != 1 else "")
        return f"<d{self.id}: {self.life}, {self.state}, {self.frames // 256} MiB, {vcpus}>"

    def _repr_html_(self) -> str:
        return f"<code>{repr(self)[1:-1]}</code>"


def _port_rows(ports: Any, page: int) -> list[Row]:
    """Return the lines of one page's ports that are not free."""
    rows: list[Row] = []
    for index in range(len(ports)):
        port = ports[index]
        state = word(port.state)
        if state != "free":
            rows.append({
                "port": page * len(ports) + index, "is": state, "vCPU": number(port.vcpu),
                "remote": f"d{number(port.remote)}" if state in ("unbound", "interdomain") else "",
                "detail": number(port.detail),
            })
    return rows
