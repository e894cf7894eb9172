"""The pictures of chapter domains: the household, the coupon, the walk, the gap, a life, births."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from quoting.symbols import QuoteError
from sessions import transcript

from .paper import Paper

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

WIDTH = 720


def household(_: Path, __: BuildEnvironment) -> Paper:
    """Who lives above the hypervisor, and who asks whom."""
    guests = [("dom0", "0", "8 vCPUs, 4,096 MiB"), ("web-frontend", "7", "4 vCPUs, 2,048 MiB"),
              ("db-primary", "12", "8 vCPUs, 8,192 MiB"),
              ("build-runner", "19", "16 vCPUs, 4,096 MiB")]
    told = "; ".join(f"{name}, domain {number}, {size}" for name, number, size in guests)
    paper = Paper(WIDTH, 260, f"Four domains stand on the hypervisor: {told}. dom0 is shaded: it "
                  "holds names, store, drivers and the toolstack. Hypercalls go down from each, "
                  "interrupts come up. Below is the machine.")
    for at, (name, number, size) in enumerate(guests):
        x = 20 + at * 172
        paper.box(x, 20, 160, 96, "light" if at == 0 else "plain")
        paper.text(x + 80, 44, name, style="name")
        paper.text(x + 80, 64, f"domain {number}")
        paper.text(x + 80, 82, size, style="small")
        paper.text(x + 80, 102, "toolstack, store, drivers" if at == 0 else "one kernel, alone",
                   style="small")
        paper.line((x + 64, 116), (x + 64, 160), arrow=True)
        paper.line((x + 96, 160), (x + 96, 116), arrow=True)
    paper.text(76, 142, "asks", at="end", style="small")
    paper.text(124, 142, "interrupts", at="start", style="small")
    paper.box(20, 160, 676, 38)
    paper.text(358, 184, "the hypervisor: whose turn, which frame, who may", style="name")
    paper.box(20, 202, 676, 38)
    paper.text(358, 226, "processors, memory, devices")
    return paper


def coupon(book: Path, _: BuildEnvironment) -> Paper:
    """Two guests with the same number, and where each is led."""
    found = re.findall(r"^d(\d+) (\S+) (\S+) (.*)$", transcript(book, "coupon", "hosted"), re.M)
    if len(found) != 2:
        raise QuoteError("the session 'coupon' walked the tables of another number than two")
    told = "; ".join(f"in d{who}, frame {gfn} is the machine's frame {frame}, which holds "
                     f"'{words}'" for who, gfn, frame, words in found)
    paper = Paper(WIDTH, 230, f"Two guests use the same frame number: {told}.")
    paper.box(20, 150, 680, 40)
    paper.text(360, 212, "the machine's frames", style="small")
    numbers = [int(frame, 16) for _, _, frame, _ in found]
    lowest, span = min(numbers), max(max(numbers) - min(numbers), 1)
    for at, (who, gfn, frame, words) in enumerate(found):
        x = 70 + at * 360
        paper.box(x, 16, 220, 52)
        paper.text(x + 110, 37, f"d{who}, frame {gfn}", style="name")
        paper.text(x + 110, 56, f"reads: {words}", style="small")
        to = 150 + 420 * (int(frame, 16) - lowest) / span
        paper.box(to - 45, 150, 90, 40, "light")
        paper.text(to, 174, frame, style="code")
        paper.line((x + 110, 68), (to, 150), arrow=True)
        paper.text(x + 130, 112, f"d{who}'s tables", at="start", style="small")
    return paper


def walk(_: Path, __: BuildEnvironment) -> Paper:
    """The four tables, for one frame number."""
    gfn = 0x44C0A
    indices = [gfn >> shift & 511 for shift in (27, 18, 9, 0)]
    paper = Paper(WIDTH, 200, f"Guest frame {gfn:#x} is cut into four indices of nine bits: "
                  f"{', '.join(map(str, indices))}. Each chooses an entry of one table; the first "
                  "three entries lead to the next table, the last one to a frame.")
    for level, index in enumerate(indices):
        x, y = 20 + level * 142, 66 + 84 * index / 511
        paper.text(x + 50, 24, f"bits {35 - level * 9}–{27 - level * 9}", style="small")
        paper.text(x + 50, 46, str(index), style="code")
        paper.box(x, 60, 100, 106)
        paper.box(x, y, 100, 10, "dark")
        paper.text(x + 50, 184, f"table, level {3 - level}", style="small")
        paper.line((x + 100, y + 5), (x + 142, 60 if level < 3 else 96), arrow=True)
    paper.box(588, 80, 112, 34, "light")
    paper.text(644, 101, "a frame", style="name")
    return paper


def gap(book: Path, env: BuildEnvironment) -> Paper:
    """The pause of the chapter's incident, on lines of time."""
    text = transcript(book, "held", "svm")
    env.temp_data.setdefault("runs", {})["held"] = text  # for `{ran}`, as a session shown would do
    found = re.search(r"^held as it worked, ms: (\d+)$", text, re.M)
    if found is None:
        raise QuoteError("the session 'held' printed no length of its pause")
    held = f"{int(found[1]):,} ms"
    paper = Paper(WIDTH, 210, "Four lines of time. dom0 runs throughout. d1's line is broken for "
                  f"{held} between one instruction and the next. The clock runs on beside both; a "
                  "hidden clock, dashed, would stand still for as long and stay behind.")
    for y, name in ((50, "dom0"), (94, "d1's instructions"), (138, "the clock"),
                    (182, "a hidden clock")):
        paper.text(10, y + 4, name, at="start")
    paper.line((140, 50), (700, 50))
    for y in (94, 182):
        paper.line((140, y), (290, y))
        paper.line((290, y), (540, y), dashed=True)
        paper.line((540, y), (700, y))
    paper.text(415, 84, f"held for {held}: no instruction", style="small")
    for x, word in ((290, "pause"), (540, "unpause")):
        paper.line((x, 50), (x, 92), arrow=True)
        paper.text(x, 40, word, style="code")
    paper.line((140, 138), (700, 138))
    for at in range(12):
        tick = 140 + at * 50
        paper.line((tick, 133), (tick, 143))
        late = tick + (250 if at > 3 else 0)
        if late <= 700:
            paper.line((late, 177), (late, 187))
    return paper


def life(_: Path, env: BuildEnvironment) -> Paper:
    """The states of a domain, as the enumeration has them."""
    index = env.quoting.index  # type: ignore[attr-defined]
    symbol = index.find_one("hv::Life")
    states: list[list[str]] = []
    for row in index.lines(symbol.file)[symbol.first : symbol.last - 1]:
        name, _comma, note = row.partition("///<")
        if name.strip():
            states.append([name.strip(" ,").replace("_", " "), note.strip()])
        elif states:
            states[-1][1] += " " + note.strip()
    told = "; ".join(f"{name}: {note}" if note else name for name, note in states)
    paper = Paper(WIDTH, 44 * len(states) + 20, f"A life moves down this list only. {told}.")
    for at, (name, note) in enumerate(states):
        y = 16 + at * 44
        paper.box(30, y, 120, 30, dashed=at == len(states) - 1)
        paper.text(90, y + 20, name, style="name")
        paper.text(170, y + 20, note, at="start")
        if at:
            paper.line((90, y - 14), (90, y), arrow=True)
    return paper


def births(_: Path, __: BuildEnvironment) -> Paper:
    """Three ways to be born: who gives a kernel what it needs."""
    columns = ("PV", "HVM", "PVH")
    rows = {"processor": ("asks", "hardware", "hardware"),
            "page tables": ("asks", "hardware", "hardware"),
            "first code": ("64-bit, mapped", "firmware, 16-bit", "32-bit, unpaged"),
            "interrupts": ("event channels", "imitated", "event channels"),
            "disk, network": ("rings", "imitated, or rings", "rings"),
            "knows where it is": ("from the start", "if it looks", "from the start")}
    told = "; ".join(f"{what}: " + ", ".join(f"{way} {how}" for way, how in
                                              zip(columns, given, strict=True))
                     for what, given in rows.items())
    paper = Paper(WIDTH, 60 + 34 * len(rows),
                  f"What three kinds of guest are given, and how. {told}.")
    paper.box(532, 44, 176, 34 * len(rows), "light")
    for at, way in enumerate(columns):
        paper.text(260 + at * 180, 32, way, style="name")
    for row, (what, given) in enumerate(rows.items()):
        y = 44 + row * 34
        paper.line((12, y), (708, y))
        paper.text(16, y + 21, what, at="start")
        for at, how in enumerate(given):
            paper.text(260 + at * 180, y + 21, how)
    return paper
