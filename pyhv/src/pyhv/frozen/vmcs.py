# A vCPU's VMCS, where the processor is Bochs: by hv's own names for the fields.
"""Fields of a VMCS in memory.

Intel leaves it to each processor how a VMCS lies in memory, and a debugger cannot VMREAD. Bochs
2.7 keeps each field in eight bytes, in the order of the encodings: this is found out, not written
anywhere, so that it is believed only where the host's CR3 is in its place.
"""

from typing import TYPE_CHECKING, Any

from pyhv.frozen.values import number

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

PAGE = 4096
# An encoding: width in bits 14:13, kind in bits 11:10, index in bits 9:1.
FIRST, OF_WIDTH, OF_KIND, OF_INDEX = 0x10, 0x400, 0x100, 8
SIZES = (2, 8, 4, 8)  # by width

REGISTERS = {
    "rip": "GUEST_RIP", "rsp": "GUEST_RSP", "rflags": "GUEST_RFLAGS", "cr0": "GUEST_CR0",
    "cr3": "GUEST_CR3", "cr4": "GUEST_CR4", "efer": "GUEST_IA32_EFER", "dr7": "GUEST_DR7",
}


def place(encoding: int) -> int:
    """Return where in its VMCS Bochs keeps a field."""
    width, kind, index = encoding >> 13 & 3, encoding >> 10 & 3, encoding >> 1 & 0x1FF
    return FIRST + width * OF_WIDTH + kind * OF_KIND + index * OF_INDEX


def fields(frozen: "Frozen", vcpu: Any) -> dict[str, int]:
    """Return every field that hv has a name for; {} where the layout is not the one known here."""
    content = frozen.memory.read(number(vcpu.hardware.control_address), PAGE)
    named = {
        each.name: int.from_bytes(content[place(each.value):][:SIZES[each.value >> 13]], "little")
        for each in frozen.program.type("enum hv::vmx::Field").enumerators
    }
    return named if named["HOST_CR3"] == frozen.root else {}
