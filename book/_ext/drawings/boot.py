"""The pictures of chapter boot: ways in, whose the frames are, the address space, the stacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sessions import part_of, transcript

from .paper import Paper

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def ways_in(_: Path, env: BuildEnvironment) -> Paper:
    """Three ways in, one climb; each box has its place in the source."""
    index = env.quoting.index  # type: ignore[attr-defined]

    def place(label: str) -> str:
        symbol = index.find_one(label)
        return f"{Path(symbol.file).name}:{symbol.first}"

    paper = Paper(780, 330, "Three ways in: a PVH loader enters at pvh_entry, which falls through "
                  "to multiboot_entry, where a multiboot2 loader enters, both in 32-bit mode; "
                  "every other pCPU at trampoline_start, in real mode. All meet at climb, which "
                  "turns long mode on, and part again in 64-bit code: the boot pCPU goes on to "
                  "start, each other one to start_secondary.")
    boxes = {
        "pvh_entry": (20, 40, "PVH loader"), "multiboot_entry": (250, 40, "multiboot2 loader"),
        "trampoline_start": (480, 40, "another pCPU"), "climb": (250, 130, ""),
        "start64": (250, 200, ""), "start_high": (120, 275, ""),
        "secondary_high": (380, 275, ""),
    }
    for label, (x, y, mode) in boxes.items():
        paper.box(x, y, 220, 40, "light" if label == "climb" else "plain")
        paper.text(x + 110, y + 18, label, style="code")
        paper.text(x + 110, y + 33, place(label), style="small")
        if mode:
            paper.text(x + 110, y - 8, mode, style="name")
    paper.line((240, 60), (250, 60), arrow=True)
    paper.line((360, 80), (360, 130), arrow=True)
    paper.line((590, 80), (590, 150), (470, 150), arrow=True)
    paper.line((360, 170), (360, 200), arrow=True)
    paper.line((330, 240), (230, 275), arrow=True)
    paper.line((390, 240), (490, 275), arrow=True)
    paper.text(240, 155, "32-bit mode, paging off", at="end")
    paper.text(240, 225, "64-bit mode", at="end")
    paper.text(112, 300, "then start", at="end", style="code")
    paper.text(610, 300, "then start_secondary", at="start", style="code")
    return paper


def frames(book: Path, _: BuildEnvironment) -> Paper:
    """Firmware's lines over the owners of the frames: both ends of memory enlarged."""
    text = transcript(book, "warm", "svm")
    told = [(a, b, "RAM" if kind == "usable" else "reserved")
            for a, b, kind in _stretches(part_of(text, "map")) if b <= 256 * MIB]
    owned = _joined(_stretches(part_of(text, "frames")))
    said = "; ".join(f"{a:#x} to {b:#x} {what}" for a, b, what in told)
    kept = "; ".join(f"{a:#x} to {b:#x} {what}" for a, b, what in owned)
    paper = Paper(720, 205, f"Two bars over the same 256 MiB. Firmware says: {said}. "
                  f"Whose it is after boot: {kept}.")
    fills = {"RAM": "plain", "free": "plain", "reserved": "hatched", "kept back": "dotted",
             "mine": "dark", "dom0": "light"}
    for y, title, stretches in ((30, "firmware says", told), (95, "the frame table says", owned)):
        paper.text(10, y - 7, title, at="start", style="name")
        for start, end, what in stretches:
            left, right = _bent(start), _bent(end)
            paper.box(left, y, max(right - left, 1.0), 34, fills[what])
            if right - left > 34 and what in ("RAM", "free", "dom0"):
                paper.text((left + right) / 2, y + 21, what)
    for address, name in ((0, "0"), (MIB, "1 MiB"), (2 * MIB, "2 MiB"), (16 * MIB, "16 MiB"),
                          (112 * MIB, "112 MiB"), (252 * MIB, "252 MiB"), (256 * MIB, "256 MiB")):
        paper.line((_bent(address), 131), (_bent(address), 137))
        paper.text(_bent(address), 150, name, style="small",
                   at="start" if address == 0 else "end" if address == 256 * MIB else "middle")
    for at, (what, fill) in enumerate((("reserved by firmware", "hatched"),
                                       ("kept back: never given out", "dotted"),
                                       ("mine, with a row", "dark"))):
        paper.box(20 + at * 230, 172, 26, 16, fill)
        paper.text(54 + at * 230, 185, what, at="start")
    return paper


def _stretches(part: str) -> list[tuple[int, int, str]]:
    """The lines `from to to  what` of a transcript."""
    found = re.findall(r"^ *([0-9a-f]+) to +([0-9a-f]+)  (.+)$", part, re.MULTILINE)
    return [(int(start, 16), int(end, 16), what) for start, end, what in found]


def _joined(stretches: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Neighbours that say the same, as one."""
    joined: list[tuple[int, int, str]] = []
    for start, end, what in stretches:
        if joined and joined[-1][1:] == (start, what):
            start = joined.pop()[0]
        joined.append((start, end, what))
    return joined


def _bent(address: int) -> float:
    """Where an address is drawn: the first 3 MiB and the last 4 are enlarged."""
    bends = ((0, 10.0), (3 * MIB, 280.0), (252 * MIB, 480.0), (256 * MIB, 710.0))
    for (low, left), (high, right) in zip(bends, bends[1:], strict=False):
        if address <= high:
            return left + (right - left) * (address - low) / (high - low)
    return bends[-1][1]


def constants(book: Path) -> dict[str, int]:
    """The numbers of the hypervisor's address space, as its header gives them."""
    text = (book.parent / "hv" / "boot" / "address_space.hpp").read_text(encoding="utf-8")
    units = {"": 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
    return {name: int(number, 0) * units[unit or ""] for name, number, unit in re.findall(
        r"constexpr u64 (\w+) = (0x[0-9a-f]+|\d+)(?: \* (\w+))?;", text)}


def address_space(book: Path, _: BuildEnvironment) -> Paper:
    """The upper half of the addresses: what is seen where, and with which rights."""
    known = constants(book)
    rows = [
        (0xffffffff80200000, "the image", "text r-x, constants r--, data rw-"),
        (known["stack_window"], "stacks, with holes between them", "rw-"),
        (known["frame_table_window"], "the frame table", "rw-; rows of holes r--"),
        (known["local_apic_window"], "local APIC, I/O APIC", "rw-, uncached"),
        (known["direct_map"], "all RAM, and the screen, at a fixed distance", "rw-"),
        (0, "nothing: the lower half is empty", ""),
    ]
    words = "; ".join(f"{address:#x}: {what} {rights}".strip() for address, what, rights in rows)
    paper = Paper(720, 40 + 44 * len(rows), f"The hypervisor's addresses, highest first. {words}.")
    for at, (address, what, rights) in enumerate(rows):
        y = 20 + at * 44
        paper.box(230, y, 470, 38, "light" if rights else "plain", dashed=not rights)
        paper.text(220, y + 24, f"0x{address:016x}", at="end", style="code")
        paper.text(244, y + 24, what, at="start", style="name")
        paper.text(690, y + 24, rights, at="end", style="code")
    return paper


def stacks(book: Path, _: BuildEnvironment) -> Paper:
    """One pCPU's slot: four stacks, and what is beneath each."""
    known = constants(book)
    slot, size = known["stack_slot_bytes"], known["stack_bytes"]
    uses = ("ordinary", "NMI", "double fault", "machine check")
    part = slot // len(uses)
    paper = Paper(720, 150, f"A slot of {slot // KIB} KiB in {len(uses)} equal parts, one for each "
                  f"stack: {', '.join(uses)}. In each part the upper {size // KIB} KiB are the "
                  "stack, which grows down; what is beneath it is not mapped.")
    scale = 700 / slot
    for at, use in enumerate(uses):
        left = 10 + at * part * scale
        hole = (part - size) * scale
        paper.box(left, 45, hole, 50, dashed=True)
        paper.text(left + hole / 2, 74, "not mapped", style="small")
        paper.box(left + hole, 45, size * scale, 50, "light")
        paper.text(left + hole + size * scale / 2, 74, use, style="small")
        paper.line((left + part * scale - 4, 112), (left + hole + 4, 112), arrow=True)
        paper.text(left + hole + size * scale / 2, 130, f"{size // KIB} KiB", style="small")
        paper.text(left, 36, f"+{at * part // KIB} KiB", at="start", style="small")
    return paper
