# A guest puts a prefix before CPUID, and says whether the instruction after it was executed.
import re
import sys
from pathlib import Path

import pyhv

sys.path.append(str(Path(__file__).parents[2] / "tests" / "boot"))
from shapes import MIB, PT_LOAD, PT_NOTE, Part, elf, entry_note  # noqa: E402

# XOR %ESI, %ESI; CPUID, with or without the prefix 2e; MOV $1, %SI; then the digit in SI and a
# new line to port 0xe9; CLI; HLT. Who lands one byte too early finds a2, a MOV that takes the four
# bytes after it for its operand.
START, CPUID = b"\x31\xf6", b"\x0f\xa2"
AFTER = b"\x66\xbe\x01\x00" + b"\x89\xf0\x04\x30\xe6\xe9\xb0\x0a\xe6\xe9\xfa\xf4"


def kernel(code: bytes) -> bytes:
    """Return the smallest kernel around a few instructions."""
    return elf([Part(PT_LOAD, code, MIB), Part(PT_NOTE, entry_note(MIB))])


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256) as hv:
    for name, prefix in (("plain", b""), ("prefixed", b"\x2e")):
        domain = hv.create(name, kernel=kernel(START + prefix + CPUID + AFTER), memory=4)
        domain.wait("shut down", "gone", "crashed")
        said = re.findall(rf"\(d{domain.id}\) (\d)", hv.log)
        print(f"{name} CPUID, instructions executed behind it: {said[0]}")
