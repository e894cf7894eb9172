# Xen as it would be on a CPU that says how long an instruction was, as all of today's do.
"""Make a copy of Xen that need not decode the guest's instruction to learn its length.

QEMU's SVM saves no next-RIP, so that Xen decodes each CPUID, VMMCALL, RDMSR or HLT that it skips:
some thousands of instructions. The copy answers from the opcode that Xen's handlers pass along
(xen/arch/x86/hvm/svm/emulate.c, svm_get_insn_len), in about as many instructions as reading the
VMCB's next-RIP would take. All else is Xen's own, so the two runs' difference is the decoding.
"""

import re
import struct
from pathlib import Path

import xen_dom0
from pyhv import xen
from pyhv.errors import Failure

# Where Xen's image is linked, and where its ELF loads it.
LINKED = 0xFFFF82D040200000
LOADED = 0x200000

# esi = opcode << 8 | modrm: 1 below 0x0f00 << 8, else 2, and 1 more where there is a modrm.
ANSWER = bytes.fromhex(
    "b801000000"  # mov    $1, %eax
    "81fe00000f00"  # cmp    $0xf0000, %esi
    "7209"  # jb     the end
    "ffc0"  # inc    %eax
    "4080fe01"  # cmp    $1, %sil
    "83d8ff"  # sbb    $-1, %eax
    "c3"  # the end: ret
)


def address_of(said: str, name: str) -> int:
    """Return a symbol's address, from what dom0 read in /proc/xen/xensyms."""
    if found := re.search(rf"^([0-9a-f]{{16}}) \w {name}\r?$", said, re.M):
        return int(found[1], 16)
    raise Failure(f"Xen's symbols, as dom0 read them, have no {name}")


def _offset(elf: bytes, address: int) -> int:
    """Return where in a 32-bit ELF the byte at a linked address lies."""
    physical = address - LINKED + LOADED
    table, (size, count) = struct.unpack_from("<I", elf, 28)[0], struct.unpack_from("<HH", elf, 42)
    for index in range(count):
        at = table + index * size
        _, offset, _, start, in_file = struct.unpack_from("<5I", elf, at)
        if start <= physical < start + in_file:
            return offset + physical - start
    raise Failure(f"Xen's image holds nothing at {address:x}")


def copy() -> Path:
    """Return where the changed copy lies."""
    return xen_dom0.WORK / "xen-next-rip"


def image(decoder: int) -> Path:
    """Return the changed copy; `decoder` is the address of svm_get_insn_len."""
    elf = bytearray(xen.fetch()[1].read_bytes())
    at = _offset(elf, decoder)
    elf[at : at + len(ANSWER)] = ANSWER
    copy().write_bytes(elf)
    return copy()
