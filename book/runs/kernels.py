# Kernels in odd shapes, made by hand: each says a line when it runs. Then what is refused, and why.
import re
import sys
from pathlib import Path

import pyhv
from pyhv import errors

sys.path.append(str(Path(__file__).parents[2] / "tests" / "boot"))
import shapes  # noqa: E402
from shapes import MIB, PT_INTERP, PT_LOAD, PT_NOTE, Part, elf, entry_note, note  # noqa: E402


def code(text: str, address: int = MIB) -> Part:
    """Return a segment whose code says a line, and halts."""
    return Part(PT_LOAD, shapes.speaker(text, address), address)


TAKEN = {
    "plain": shapes.plain("a segment and a note"),
    "narrow": shapes.plain("ELF32 whose machine is x86-64", wide=False),
    "section": elf([code("a note in a section alone")], [entry_note(MIB)]),
    "zero": shapes.plain("loaded at address 0", address=0),
    "notes": elf([Part(PT_INTERP, b"/none\0", 3 * MIB), Part(PT_NOTE, note(b"GNU", 18, bytes(8))),
                  code("the note after somebody else's"), Part(PT_NOTE, entry_note(MIB))]),
    "packed": shapes.bzimage(shapes.xz(shapes.plain("a bzImage, packed by xz"))),
}
GOOD = shapes.plain("never said")
REFUSED = {
    "script": b"#!/bin/sh\n" * 60,
    "arm": shapes.plain("", machine=shapes.AARCH64),
    "cut": GOOD[:-70],
    "no-note": elf([code("never said")]),
    "astray": elf([code("never said"), Part(PT_NOTE, entry_note(9 * MIB))]),
}

with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256) as hv:
    print("== taken")
    for name, image in TAKEN.items():
        domain = hv.create(name, kernel=image, memory=16)
        domain.wait("shut down", "gone")
        said = re.findall(rf"\(d{domain.id}\) ([^\r\n]+)", hv.log)
        print(f"{name:8} {said[0]}")
    print("== refused")
    for name, image in REFUSED.items():
        try:
            hv.create(name, kernel=image, memory=16)
        except errors.Failure as failure:
            print(f"{name:8} {failure.reason}")
