# The image's debug information, as drgn can read it.
"""Open hv.elf for drgn, which knows C's types and not all of C++'s.

Of what hv uses drgn lacks two: references, and base classes. In memory a reference is a pointer,
and a base is a member without a name. So drgn is given a copy of the image, in memory, in which
they are called that: one byte for each in the table of abbreviations.
"""

import os
import struct
from pathlib import Path

import drgn

from pyhv.errors import Failure

# DWARF 5, section 7.5.3: codes of tags; and the one form that has its value in the table itself.
POINTER_TYPE, REFERENCE_TYPE, RVALUE_REFERENCE_TYPE = 0x0F, 0x10, 0x42
MEMBER, INHERITANCE = 0x0D, 0x1C
PLAINER = {REFERENCE_TYPE: POINTER_TYPE, RVALUE_REFERENCE_TYPE: POINTER_TYPE, INHERITANCE: MEMBER}
IMPLICIT_CONST = 0x21

Elf = bytes | bytearray


def section(elf: Elf, name: bytes) -> range:
    """Return where in the file a section is. Raises Failure."""
    headers, = struct.unpack_from("<Q", elf, 40)
    count, names = struct.unpack_from("<HH", elf, 60)
    rows = [struct.unpack_from("<IIQQQQIIQQ", elf, headers + 64 * i) for i in range(count)]
    strings = rows[names][4]
    for row in rows:
        start = strings + row[0]
        if elf[start:elf.index(b"\0", start)] == name:
            return range(row[4], row[4] + row[5])
    raise Failure(f"the image has no section {name.decode()}: it was built without types")


def _skip_number(table: Elf, at: int) -> int:
    """Return what follows a number in LEB128."""
    while table[at] & 0x80:
        at += 1
    return at + 1


def make_plain(elf: bytearray) -> None:
    """Call references pointers, and bases members, in the table of abbreviations."""
    where = section(elf, b".debug_abbrev")
    at = where.start
    while at < where.stop:
        if elf[at] == 0:  # the end of one unit's table
            at += 1
            continue
        at = _skip_number(elf, at)
        elf[at] = PLAINER.get(elf[at], elf[at])
        at = _skip_number(elf, at) + 1
        while elf[at] or elf[at + 1]:
            form = _skip_number(elf, at)
            constant = elf[form] == IMPLICIT_CONST
            at = _skip_number(elf, form)
            at = _skip_number(elf, at) if constant else at
        at += 2


def segments(elf: Elf) -> list[tuple[int, int, int, int]]:
    """Return what is loaded: place in the file, virtual address, bytes in the file, in memory."""
    at, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    rows = [struct.unpack_from("<IIQQQQQQ", elf, at + size * i) for i in range(count)]
    return [(row[2], row[3], row[5], row[6]) for row in rows if row[0] == 1]


class Information:
    """An image: its types, symbols, extent and build id. `program` is drgn's view of it all."""

    def __init__(self, image: Path) -> None:
        self.image = image
        elf = bytearray(image.read_bytes())
        loaded = segments(elf)
        self.start = min(address for _, address, _, _ in loaded)
        self.end = max(address + size for _, address, _, size in loaded)
        make_plain(elf)
        self.program = drgn.Program(drgn.Platform(drgn.Architecture.X86_64))
        self.program.language = drgn.Language.CPP
        self.build_id = self._open(elf)
        # Where it is in memory, counted from the image's first byte
        place = elf.index(self.build_id, section(elf, b".note").start)
        self.build_id_offset = next(
            address + place - offset - self.start
            for offset, address, size, _ in loaded if offset <= place < offset + size
        )

    def _open(self, elf: Elf) -> bytes:
        """Hand the image to drgn; return its build id."""
        module = self.program.extra_module(self.image.name, create=True)
        module.address_range = (self.start, self.end)
        descriptor = os.memfd_create(self.image.name)
        os.write(descriptor, elf)
        module.try_file(self.image, fd=descriptor, force=True)  # which closes the descriptor
        self.program.load_module_debug_info(module)
        if module.build_id is None:
            raise Failure(f"{self.image} has no build id")
        return module.build_id
