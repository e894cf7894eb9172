# What files the reader's search of notes is given, and which entry is right in each.
"""The points of the lab *elf-notes*: each says what it expects, then what came.

What is right is worked out here a second time. A seed above 1 draws which of several notes counts.
"""

import random
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

PHYS32_ENTRY = 18
LOAD, NOTE = 1, 4
BASE, LONG = 0x100000, 0x1000
"""Where such a kernel is loaded, and its length: an entry outside of it is refused."""
NONE, OUTSIDE = "no entry", "outside"
DAMAGED = 400

CHOICES = {
    "first": "Of several such notes the first counts, in the order in which `search_notes` comes "
             "to them.",
    "last": "Of several such notes the last counts, in the order in which `search_notes` comes to "
            "them.",
    "lowest": "Of several such notes the one with the lowest entry counts.",
    "highest": "Of several such notes the one with the highest entry counts.",
}
WIDTHS = {
    "both": "A value is 4 or 8 bytes; a note with another is passed over.",
    "narrow": "A value is 4 or 8 bytes; a note with another is passed over, and so is one whose "
              "value needs more than 32 bits.",
}


def _rules(seed: int) -> tuple[str, str]:
    """Return which note counts, and which values: the book's for seed 1, others for the others."""
    every = [(choice, width) for choice in CHOICES for width in WIDTHS]
    others = [pair for pair in every if pair[0] != "first"]
    return every[0] if seed == 1 else random.Random(seed).choice(others)


def variant(seed: int) -> str:
    """Return what a seed asks for otherwise than the lab's text does."""
    choice, width = _rules(seed)
    return f"{CHOICES[choice]}\n\n{WIDTHS[width]}"


class Note(NamedTuple):
    """A note as a file holds it."""

    owner: bytes
    kind: int
    value: bytes

    def packed(self) -> bytes:
        """Return header, name and value, the latter two padded to 4 bytes."""
        head = struct.pack("<III", len(self.owner), len(self.value), self.kind)
        return head + _padded(self.owner) + _padded(self.value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _xen(entry: int, width: int = 8) -> Note:
    return Note(b"Xen\0", PHYS32_ENTRY, entry.to_bytes(width, "little"))


def _file(*notes: bytes, in_sections: bool = False) -> bytes:
    """Return a kernel with a header for each stretch of notes: a segment's, or a section's."""
    count = len(notes)
    segments, sections = (0, count) if in_sections else (count, 0)
    sections_at = 64 + 56 * (1 + segments)
    at = sections_at + 64 * sections
    headers = struct.pack("<IIQQQQQQ", LOAD, 5, 0, BASE, BASE, LONG, LONG, 0x1000)
    for data in notes:
        headers += (struct.pack("<IIQQQQIIQQ", 0, 7, 0, 0, at, len(data), 0, 0, 4, 0) if in_sections
                    else struct.pack("<IIQQQQQQ", NOTE, 4, at, 0, 0, len(data), 0, 4))
        at += len(data)
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, BASE, 64, sections_at, 0, 64, 56, 1 + segments, 64, sections, 0)
    return (head + headers + b"".join(notes)).ljust(LONG, b"\0")


def _entries(notes: bytes, width: str) -> Iterator[int]:
    """Find what counts as an entry in a stretch of notes."""
    at = 0
    while at + 12 <= len(notes):
        name_size, value_size, kind = struct.unpack_from("<III", notes, at)
        name, value_at = at + 12, at + 12 + name_size + -name_size % 4
        if value_at + value_size > len(notes):
            return
        value = int.from_bytes(notes[value_at : value_at + value_size], "little")
        is_entry = kind == PHYS32_ENTRY and notes[name : name + name_size] == b"Xen\0"
        if is_entry and value_size in (4, 8) and (width == "both" or value < 2**32):
            yield value
        at = value_at + value_size + -value_size % 4


def _right(seed: int, *notes: bytes) -> str:
    """Return what is right for a kernel with these stretches of notes, in the words of _read."""
    choice, width = _rules(seed)
    every = [entry for stretch in notes for entry in _entries(stretch, width)]
    if not every:
        return NONE
    entry = {"first": every[0], "last": every[-1], "lowest": min(every),
             "highest": max(every)}[choice]
    return f"{entry:#x}" if BASE <= entry < BASE + LONG else OUTSIDE


def _read(answer: str) -> str:
    """Return an answer of the probe's in short."""
    shorter = {"the kernel has no PVH entry": NONE, "the PVH entry lies outside": OUTSIDE}
    return next((short for long, short in shorter.items() if answer.startswith(long)), answer)


def _ask(bench: Any, *files: bytes) -> list[str]:
    answers = bench.probe("".join(f"{file.hex()}\n" for file in files))
    return [_read(answer) for answer in answers.splitlines()]


def _one(bench: Any, *files: list[bytes], in_sections: bool = False) -> Iterator[Any]:
    """Yield what is right of some files, each given by its stretches of notes, and what came."""
    yield ", ".join(_right(bench.seed, *notes) for notes in files)
    yield ", ".join(_ask(bench, *(_file(*notes, in_sections=in_sections) for notes in files)))


def _entry(die: random.Random) -> int:
    return BASE + die.randrange(LONG)


def _other(die: random.Random) -> Note:
    """Draw a note that is no entry, of sizes that need padding."""
    kind, owner = die.choice([(7, b"Xen\0"), (PHYS32_ENTRY, b"Xenon\0"), (PHYS32_ENTRY, b"Xen"),
                              (PHYS32_ENTRY, b"GNU\0"), (1, b"Linux\0")])
    return Note(owner, kind, die.randbytes(die.randrange(1, 12)))


def an_entry_is_found(bench: Any) -> Iterator[Any]:
    """Owner "Xen" with its NUL, type XEN_ELFNOTE_PHYS32_ENTRY; the value is the entry."""
    die = bench.die
    return _one(bench, [_xen(_entry(die)).packed()], [_xen(_entry(die), 4).packed()])


def others_are_passed_over(bench: Any) -> Iterator[Any]:
    """Name and value are padded to 4 bytes each: is the next note where you look for it?"""
    die = bench.die
    before = b"".join(_other(die).packed() for _ in range(5))
    return _one(bench, [before + _xen(_entry(die)).packed() + _other(die).packed()],
                [_other(die).packed(), before, _xen(_entry(die), 4).packed()])


def a_value_of_another_size_is_none(bench: Any) -> Iterator[Any]:
    """4 bytes and 8 are entries. A longer one would be written where it may not."""
    die = bench.die
    odd = b"".join(_xen(_entry(die), width).packed() for width in (300, 5, 12, 3))
    return _one(bench, [odd + _xen(_entry(die)).packed()], [odd],
                [_xen(_entry(die) + 2**32).packed() + _xen(_entry(die), 4).packed()])


def one_of_several_counts(bench: Any) -> Iterator[Any]:
    """Several notes may lie in one stretch, and a file may have several stretches."""
    die = bench.die
    notes = [_xen(_entry(die), die.choice([4, 8])).packed() for _ in range(5)]
    return _one(bench, [b"".join(notes)], [notes[3], notes[1] + notes[4], notes[0]], notes[1:4])


def sections_hold_notes_too(bench: Any) -> Iterator[Any]:
    """search_sections() is given, and calls you in the same way."""
    die = bench.die
    return _one(bench, [_other(die).packed() + _xen(_entry(die)).packed()], in_sections=True)


def a_note_that_lies_does_no_harm(bench: Any) -> Iterator[Any]:
    """A size may be 4 GiB less a byte, and a note may be cut short: ask fits() before you copy."""
    die = bench.die
    good, cut = _xen(_entry(die)).packed(), _xen(_entry(die)).packed()[:-4]
    long_name = struct.pack("<III", 2**32 - 1, 8, PHYS32_ENTRY) + b"Xen\0" + bytes(8)
    long_value = struct.pack("<III", 4, 2**32 - 1, PHYS32_ENTRY) + b"Xen\0" + bytes(8)
    return _one(bench, [good + long_name], [long_name + good], [long_value], [good + long_value],
                [cut], [good + good[:8]])


def any_damage_is_survived(bench: Any) -> Iterator[Any]:
    """Take the notes that were read wrong, and go through them with a pencil."""
    die = bench.die
    every = [_damaged(die) for _ in range(DAMAGED)]
    yield f"{DAMAGED} of {DAMAGED} files are read as they should be"
    for notes, answer in zip(every, _ask(bench, *map(_file, every)), strict=True):
        right = _right(bench.seed, notes)
        if answer != right:
            yield f"of the notes {notes.hex(' ', 4)} you made {answer}; right is {right}"
    yield f"{DAMAGED} of {DAMAGED} files are read as they should be"


def _damaged(die: random.Random) -> bytes:
    notes = bytearray(b"".join(
        die.choice([_other(die), _xen(_entry(die), die.choice([4, 8]))]).packed()
        for _ in range(die.randrange(1, 5))))
    for _ in range(die.randrange(3)):
        notes[die.randrange(len(notes))] ^= 1 << die.randrange(8)
    return bytes(notes[: die.randrange(len(notes) // 2, len(notes) + 1)])


def dom0_starts_at_its_entry(bench: Any) -> Iterator[Any]:
    """The first file that the hypervisor reads so is dom0. What does it say before it gives up?"""
    pattern = r"and it starts at (0x[0-9a-f]+)[.]"
    at = bench.ours().expect(pattern, bench.boot_timeout)[1]
    yield f"it starts at {at}, and lists its domains"
    came = bench.expect(bench.boot(), pattern)[1]
    bench.dom0()
    yield f"it starts at {came}, and lists its domains"


HOSTED = [an_entry_is_found, others_are_passed_over, a_value_of_another_size_is_none,
          one_of_several_counts, sections_hold_notes_too, a_note_that_lies_does_no_harm,
          any_damage_is_survived]
EMULATED = [dom0_starts_at_its_entry]
