# A processor's registers: those of a pCPU as it stands, or what the hypervisor keeps of a vCPU.
"""Registers, and where they were found."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pyhv.frozen.values import number, pointed
from pyhv.frozen.vmcs import REGISTERS, fields
from pyhv.show import Row, Shown
from pyhv.t0 import native

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

GENERAL = ("rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", *(f"r{i}" for i in range(8, 16)))
# What VMX's engine switches by hand, and so keeps beside the VMCS.
BY_HAND = ("cr2", "dr6", "star", "lstar", "cstar", "syscall_mask", "kernel_gs_base")


class Registers(Shown, Mapping[str, int]):
    """Registers by name, and `where` they are: on a pCPU, or in which of hv's structures."""

    def __init__(self, values: dict[str, int], where: str) -> None:
        self._values = values
        self.where = where

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def __getattr__(self, name: str) -> int:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"no register {name} is known here: {self.where}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _rows(self) -> list[Row]:
        return [{"register": name, "value": f"{value:#018x}"}
                for name, value in self._values.items()]


def saved(frozen: "Frozen", vcpu: Any) -> Registers:
    """Return what the hypervisor keeps of a vCPU that is on no pCPU (a drgn object of hv::Vcpu)."""
    hardware = vcpu.hardware
    values = {name: number(hardware.gpr.member_(name)) for name in GENERAL}
    if frozen.engine == "SVM":
        control = hardware.prog_.read(number(hardware.control), 4096)
        return Registers(values | native.load().registers_in_vmcb(control), "in its VMCB")
    where, in_vmcs = "beside its VMCS", fields(frozen, vcpu)
    if in_vmcs:
        values |= {name: in_vmcs[field] for name, field in REGISTERS.items()}
        where = "in its VMCS, and beside it"
    by_hand = pointed(hardware.control, "struct hv::vmx::Companion").by_hand
    values |= {name: number(by_hand.member_(name)) for name in BY_HAND}
    return Registers(values, where)
