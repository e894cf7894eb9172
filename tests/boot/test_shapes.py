# Kernels in odd shapes: each is created, says its line and ends; all else is refused in words.
"""The loader, on one machine for each engine."""

import re

import pytest
import shapes
from shapes import (
    MIB, PT_INTERP, PT_LOAD, PT_NOTE, PT_TLS, Part, bzimage, elf, entry_note, note, plain, speaker,
)

from pyhv import cpio
from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.domains

HIGH = 0xFFFFFFFF80000000
GNU = note(b"GNU", 3, bytes(20))


def _code(text: str, address: int = MIB) -> Part:
    return Part(PT_LOAD, speaker(text, address), address)


def _named(text: str) -> dict[str, bytes]:
    """Return every shape that must be taken; what each will say is `text` and its name."""
    def said(name: str) -> str:
        return f"{text} {name}"

    def entry(address: int = MIB) -> Part:
        return Part(PT_NOTE, entry_note(address), memory=0)

    high = _code(said("high-virtual"))
    two = [speaker(said("two-segments"), 2 * MIB), bytes(8)]
    return {
        "elf64": plain(said("elf64")),
        "elf32-i386": plain(said("elf32-i386"), wide=False, machine=shapes.I386),
        "elf32-x86-64": plain(said("elf32-x86-64"), wide=False),
        "dynamic": plain(said("dynamic"), kind=shapes.POSITION_INDEPENDENT),
        "section-note": elf([_code(said("section-note"))], [GNU, entry_note(MIB)]),
        "section-note-32": elf(
            [_code(said("section-note-32"))], [entry_note(MIB, 4)], wide=False,
            machine=shapes.I386,
        ),
        "many-notes": elf([
            Part(PT_INTERP, b"/red/herring\0", 3 * MIB),
            Part(PT_NOTE, GNU, 3 * MIB),
            Part(PT_NOTE, note(b"GNU", shapes.PHYS32_ENTRY, bytes(8))),
            _code(said("many-notes")),
            Part(PT_TLS, b"", 3 * MIB, memory=64),
            Part(PT_NOTE, GNU + note(b"Xen", 5, b"generic\0") + entry_note(MIB)),
        ]),
        "address-zero": plain(said("address-zero"), address=0),
        "high-virtual": elf([Part(PT_LOAD, high.data, MIB, 3 * MIB // 2, HIGH + MIB), entry()]),
        "two-segments": elf([
            Part(PT_LOAD, two[0], 2 * MIB), entry(2 * MIB), Part(PT_LOAD, two[1], MIB, 4096),
            Part(PT_LOAD, b"", 0x5000, memory=0),
        ]),
        "short-note": elf([_code(said("short-note")), Part(PT_NOTE, entry_note(MIB, 4))]),
        "bz-plain": bzimage(plain(said("bz-plain"))),
        "bz-old-sectors": bzimage(shapes.gzipped(plain(said("bz-old-sectors"))), setup_sectors=0),
        "bz-many-sectors": bzimage(shapes.gzipped(plain(said("bz-many-sectors"))), 39),
    } | {
        f"bz-{pack.__name__}": bzimage(pack(plain(said(f"bz-{pack.__name__}")) + bytes(200_000)))
        for pack in (shapes.gzipped, shapes.xz, shapes.old_lzma, shapes.lz4, shapes.zstd)
    }


def _refused() -> dict[str, tuple[bytes, str]]:
    """Return what must be refused, and the reason in words."""
    good = plain("never said")
    packed = shapes.xz(good)
    middle = len(packed) // 2
    huge = shapes.gzipped(good)[:-4] + b"\xff" * 4
    return {
        "text": (b"#!/bin/sh\n" * 60, "not an ELF image"),
        "cut": (good[:-70], "cut short|beyond the end"),
        "aarch64": (plain("", machine=shapes.AARCH64), "another machine than x86"),
        "object": (plain("", kind=1), "not a linked program"),
        "no-note": (elf([_code("")]), "no PVH entry"),
        "no-segment": (elf([Part(PT_NOTE, entry_note(MIB))]), "nothing to load"),
        "entry-outside": (elf([_code(""), Part(PT_NOTE, entry_note(9 * MIB))]), "outside of every"),
        "above-4-gib": (
            elf([Part(PT_LOAD, b"x", 1 << 32), Part(PT_NOTE, entry_note(MIB))]), "above 4 GiB",
        ),
        "too-high": (plain("", address=64 * MIB), "do not fit into its memory"),
        "bz-text": (bzimage(shapes.gzipped(b"no kernel" * 100)), "not an ELF image"),
        "bz-lzo": (bzimage(b"\x89LZO" + bytes(100)), "packed by lzo, cannot be unpacked; gzip"),
        "bz-bzip2": (bzimage(b"BZh9" + bytes(100)), "packed by bzip2, cannot be unpacked"),
        "bz-unknown": (bzimage(b"whatever" * 9), "packed by unknown"),
        "bz-damaged": (
            bzimage(packed[:middle] + b"\xa5" * 4 + packed[middle + 4 :]), "by xz, is damaged",
        ),
        "bz-cut": (bzimage(packed)[:-20], "not an ELF image"),
        "bz-huge": (bzimage(huge), "by gzip, claims more memory than dom0 has"),
        "bz-small": (bzimage(packed[:-4] + b"\x40\0\0\0"), "by xz, is damaged"),
        "bz-large": (bzimage(packed[:-4] + b"\0\0\x01\0"), "by xz, is damaged"),
    }


@pytest.fixture(scope="module", params=["svm", "vmx"])
def dom0(request, boot_shared, image, tmp_path_factory):
    """dom0 at its prompt, with every shape in its module."""
    where = image().parent / "chapters" / "module" / "dom0"
    files = _named("I am") | {name: file for name, (file, _) in _refused().items()}
    path = tmp_path_factory.mktemp("shapes") / "module.cpio"
    path.write_bytes(cpio.pack([
        cpio.program("dom0", where.read_bytes()),
        *(cpio.program(name, file) for name, file in files.items()),
        cpio.Entry("rc", b"list\n"),
    ]))
    shell = Dom0(boot_shared(image=image(), module=path, engine=request.param, memory_mib=256))
    shell.wait_for_prompt()
    yield shell
    shell.machine.stop()


@pytest.mark.parametrize("shape", _named(""))
def test_a_kernel_of_this_shape_runs(dom0, shape):
    dom0.type(f"create {shape} kernel={shape} memory=4")
    dom0.expect(rf"\(d\d+\) I am {shape}\r*\n")
    dom0.expect(say.powered_off(shape))
    dom0.expect(say.DOM0_PROMPT)


@pytest.mark.parametrize("shape", _refused())
def test_all_else_is_refused_in_words(dom0, shape):
    said = dom0.ask(f"create {shape} kernel={shape} memory=4").strip().splitlines()
    assert len(said) == 1, said
    assert said[0].startswith(f"cannot create {shape}: ")
    assert re.search(_refused()[shape][1], said[0]), said[0]
    assert dom0.state(shape) is None
