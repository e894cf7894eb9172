# Small kernels in every shape that a loader must know, made by hand: each says one line and ends.
"""Write ELF images and bzImages around a few instructions."""

import gzip
import lzma
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1 << 20
PT_LOAD, PT_INTERP, PT_NOTE, PT_TLS = 1, 3, 4, 7
SHT_PROGBITS, SHT_NOTE = 1, 7
EXECUTABLE, POSITION_INDEPENDENT = 2, 3
I386, X86_64, AARCH64 = 3, 62, 183
# xen/elfnote.h
PHYS32_ENTRY = 18


def speaker(text: str, address: int) -> bytes:
    """Return 32-bit code, to start at an address: it says a line on port 0xe9, and halts for ever.

    CLD; MOV $text, %ESI; MOV $length, %ECX; again: LODSB; OUT %AL, $0xe9; LOOP again; CLI; HLT.
    """
    line = text.encode() + b"\n"
    code = b"\xfc\xbe%b\xb9%b\xac\xe6\xe9\xe2\xfb\xfa\xf4"
    length = len(code % (bytes(4), bytes(4)))
    return code % (struct.pack("<I", address + length), struct.pack("<I", len(line))) + line


def note(owner: bytes, kind: int, value: bytes) -> bytes:
    """Return an ELF note: its name and its value are padded to four bytes."""
    head = struct.pack("<III", len(owner) + 1, len(value), kind) + owner + b"\0"
    return head + bytes(-len(head) % 4) + value + bytes(-len(value) % 4)


def entry_note(entry: int, size: int = 8) -> bytes:
    """Return Xen's note that names the 32-bit entry, as a number of 4 or 8 bytes."""
    return note(b"Xen", PHYS32_ENTRY, entry.to_bytes(size, "little"))


@dataclass(frozen=True)
class Part:
    """A program header and its bytes; `memory` is its size there, else as long as the bytes."""

    kind: int
    data: bytes
    address: int = 0
    memory: int | None = None
    virtual: int | None = None

    def header(self, wide: bool, offset: int) -> bytes:
        """Return the header of a part whose bytes lie at an offset of the file."""
        memory = len(self.data) if self.memory is None else self.memory
        virtual = self.address if self.virtual is None else self.virtual
        places = (offset, virtual, self.address, len(self.data), memory)
        if wide:
            return struct.pack("<II6Q", self.kind, 7, *places, 1)
        return struct.pack("<8I", self.kind, *places, 7, 1)


def elf(
    parts: Sequence[Part], notes: Sequence[bytes] = (), *, wide: bool = True,
    machine: int = X86_64, kind: int = EXECUTABLE,
) -> bytes:
    """Return an ELF image; `notes` are sections that no program header covers."""
    sizes = {True: (64, 56, 64), False: (52, 32, 40)}[wide]
    header_size, part_size, section_size = sizes
    offset = header_size + part_size * len(parts)
    headers, sections, contents = b"", b"", b""
    for part in parts:
        headers += part.header(wide, offset + len(contents))
        contents += part.data
    for data in notes:
        at = offset + len(contents)
        form = "<IIQQQQIIQQ" if wide else "<10I"
        sections += struct.pack(form, 0, SHT_NOTE, 0, 0, at, len(data), 0, 0, 4, 0)
        contents += data
    magic = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    places = (0, header_size, offset + len(contents) if notes else 0)
    form = "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH"
    head = magic + struct.pack(
        form, kind, machine, 1, *places, 0, header_size, part_size, len(parts),
        section_size, len(notes), 0,
    )
    return head + headers + contents + sections


def plain(text: str, address: int = MIB, **choices) -> bytes:
    """Return the simplest image: one segment and one note."""
    code = Part(PT_LOAD, speaker(text, address), address)
    return elf([code, Part(PT_NOTE, entry_note(address), memory=0)], **choices)


def bzimage(payload: bytes, setup_sectors: int = 4, version: int = 0x20F) -> bytes:
    """Return a bzImage (Linux's boot protocol) around a payload; 0 setup sectors mean 4."""
    start = ((setup_sectors or 4) + 1) * 512
    head = bytearray(start)
    head[0x1F1] = setup_sectors
    head[0x202:0x208] = b"HdrS" + struct.pack("<H", version)
    head[0x248:0x250] = struct.pack("<II", 0, len(payload))
    return bytes(head) + payload


def with_size(packed: bytes, unpacked: bytes) -> bytes:
    """Return a payload as Linux's build leaves it: the unpacked size comes last."""
    return packed + struct.pack("<I", len(unpacked))


def gzipped(data: bytes) -> bytes:
    """Pack by gzip, whose own end is the size."""
    return gzip.compress(data, mtime=0)


def xz(data: bytes) -> bytes:
    """Pack by xz as Linux's build does: CRC-32, and the filter for x86's calls."""
    filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 32 * MIB}]
    return with_size(
        lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters), data
    )


def old_lzma(data: bytes) -> bytes:
    """Pack by lzma as it was before xz."""
    return with_size(lzma.compress(data, lzma.FORMAT_ALONE), data)


def lz4(data: bytes) -> bytes:
    """Pack in lz4's legacy frame: one block, and all of it letters that repeat nothing."""
    more = len(data) - 15
    block = b"\xf0" + b"\xff" * (more // 255) + bytes([more % 255]) + data
    return with_size(struct.pack("<II", 0x184C2102, len(block)) + block, data)


def zstd(data: bytes) -> bytes:
    """Pack by Debian's zstd, with a window as large as Linux's build takes."""
    words = ["zstd", "-q", "--ultra", "-22", "--stdout"]
    done = subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True)
    return with_size(done.stdout, data)
