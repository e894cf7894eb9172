# A processor's registers: those of a pCPU as it stands, or what the hypervisor keeps of a vCPU.
"""Registers, and where they were found."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyhv.frozen.values import number, pointed
from pyhv.show import Row, Shown
from pyhv.t0 import native

GENERAL = ("rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", *(f"r{i}" for i in range(8, 16)))
# What VMX's engine switches by hand, and so keeps; all else is in the VMCS, in the CPU's own form.
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


def saved(vcpu: Any, engine: str) -> Registers:
    """Return what the hypervisor keeps of a vCPU that is on no pCPU (a drgn object of hv::Vcpu)."""
    hardware = vcpu.hardware
    values = {name: number(hardware.gpr.member_(name)) for name in GENERAL}
    if engine == "SVM":
        control = hardware.prog_.read(number(hardware.control), 4096)
        return Registers(values | native.load().registers_in_vmcb(control), "in its VMCB")
    companion = pointed(hardware.control, "struct hv::vmx::Companion")
    if companion is not None:
        by_hand = companion.by_hand
        values |= {name: number(by_hand.member_(name)) for name in BY_HAND}
    return Registers(values, "in what the engine keeps beside its VMCS, which the CPU alone reads")
