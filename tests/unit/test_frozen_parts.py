# What freeze is made of, without a machine: tables and control blocks as bytes, and the image.
"""The parts of pyhv.frozen that need no emulator."""

import struct

import pytest

from pyhv.errors import Failure, NoSuchMemory
from pyhv.frozen import information, vmcs
from pyhv.frozen.memory import Memory
from pyhv.t0 import native

ROOT, PAGE = 0x1000, 4096
# Bits that lead to a table, and those of a page that may be read and written, not executed.
FORMATS = {"EPT": (0x7, 0x33), "NPT": (0x27, 0x67 | 1 << 63), "host": (0x23, 0x63 | 1 << 63)}


class Door:
    """A machine of 16 pages."""

    def __init__(self) -> None:
        self.content = bytearray(16 * PAGE)

    def read(self, address: int, count: int) -> bytes:
        """Return bytes of it."""
        if address + count > len(self.content):
            raise NoSuchMemory(f"nothing at {address:#x}")
        return bytes(self.content[address:address + count])


@pytest.fixture
def door():
    """A machine with tables for the second page of what each entry 1 leads to."""
    return Door()


@pytest.mark.parametrize("name", FORMATS)
def test_tables_are_walked_in_each_format(door, name):
    table, page = FORMATS[name]
    for level in range(3):
        struct.pack_into("<Q", door.content, ROOT * (level + 1) + 8, ROOT * (level + 2) | table)
    struct.pack_into("<Q", door.content, ROOT * 4 + 8, 0xABC000 | page)
    address = 1 << 39 | 1 << 30 | 1 << 21 | 1 << 12
    steps = native.load().walk_tables(name, ROOT, address, Memory(door).word)
    assert [step.at for step in steps] == [ROOT * n + 8 for n in (1, 2, 3, 4)]
    assert [step.kind for step in steps] == ["table"] * 3 + ["page"]
    assert (steps[-1].frame, steps[-1].access) == (0xABC, "rw-")
    missing = native.load().walk_tables(name, ROOT, 1 << 39, Memory(door).word)
    assert [step.kind for step in missing] == ["table", "nothing"]


def test_an_unknown_format_and_a_short_vmcb_are_refused(door):
    with pytest.raises(ValueError, match="EPT, NPT or host"):
        native.load().walk_tables("PAE", ROOT, 0, Memory(door).word)
    with pytest.raises(ValueError, match="4096"):
        native.load().registers_in_vmcb(bytes(100))


def test_a_vmcb_is_read_where_amd_puts_its_fields():
    vmcb = bytearray(PAGE)
    for offset, value in {0x578: 0x1234, 0x5D8: 0x5678, 0x550: 0x9000, 0x640: 0xBAD}.items():
        struct.pack_into("<Q", vmcb, offset, value)
    registers = native.load().registers_in_vmcb(bytes(vmcb))
    assert [registers[name] for name in ("rip", "rsp", "cr3", "cr2")] == [
        0x1234, 0x5678, 0x9000, 0xBAD]


def test_memory_crosses_pages_and_ends_where_there_is_none(door):
    door.content[PAGE - 2:PAGE + 2] = b"abcd"
    memory = Memory(door)
    assert memory.read(PAGE - 2, 4) == b"abcd"
    with pytest.raises(NoSuchMemory, match="at 0x10000"):
        memory.read(16 * PAGE - 1, 2)


def test_bochs_keeps_fields_in_the_order_of_their_encodings():
    # As they were found: VPID, TSC offset, pin-based controls, the guest's RIP, the host's CR3
    found = {0x0000: 0x10, 0x2010: 0x450, 0x4000: 0x810, 0x681E: 0xE88, 0x6C02: 0xF18}
    assert {encoding: vmcs.place(encoding) for encoding in found} == found


def test_references_and_bases_are_called_by_plainer_names():
    # Two abbreviations: a reference with a constant in the table, a base with children; an end
    table = bytes([1, 0x10, 0, 0x0B, 0x21, 8, 0x49, 0x13, 0, 0,
                   2, 0x1C, 1, 0x49, 0x13, 0, 0, 0])
    elf = bytearray(64) + table + b"\0.names\0.debug_abbrev\0"
    names = 64 + len(table)
    headers = len(elf)
    for name, start, size in ((0, 0, 0), (1, names, 22), (8, 64, len(table))):
        elf += struct.pack("<IIQQQQIIQQ", name, 0, 0, 0, start, size, 0, 0, 0, 0)
    struct.pack_into("<Q", elf, 40, headers)
    struct.pack_into("<HH", elf, 60, 3, 1)
    information.make_plain(elf)
    assert elf[65] == information.POINTER_TYPE
    assert elf[75] == information.MEMBER
    assert bytes(elf[66:74]) == table[2:10]
    with pytest.raises(Failure, match="built without types"):
        information.section(bytes(elf), b".debug_info")
