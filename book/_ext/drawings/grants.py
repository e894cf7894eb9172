"""The pictures of chapter grants: an active table, two views of one page, a promise's life."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from quoting.symbols import QuoteError
from sessions import part_of, transcript

from .paper import Paper

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

WIDTH = 720
TRUST = {"rw": "may write", "ro": "may only read"}


def _lines(book: Path, part: str, pattern: str, count: int) -> list[tuple[str, ...]]:
    """What a part of the session 'row' says, line by line; so many lines must be of that form."""
    text = part_of(transcript(book, "row", "hosted"), part)
    found = re.findall(pattern, text, re.MULTILINE)
    if len(found) != count:
        raise QuoteError(f"the session 'row' printed {len(found)} lines of its part '{part}' that "
                         f"can be drawn, not {count}")
    return found


def active_table(book: Path, _: BuildEnvironment) -> Paper:
    """Four rows of a guest's table, and whom each lets come to which page."""
    rows = _lines(book, "table", r"^ *(\d+)  (d\d+)  (r[ow])  (0x\w+)  (.+)$", 4)
    told = "; ".join(f"row {ref} promises {who} page {page}, which it {TRUST[trust]}, and is "
                     f"{state}" for ref, who, trust, page, state in rows)
    paper = Paper(WIDTH, 60 + 36 * len(rows), f"d1's table. {told}.")
    paper.text(20, 22, "d1's table", at="start", style="name")
    paper.text(570, 22, "who may come", at="start", style="name")
    holders = list(dict.fromkeys(who for _, who, *_ in rows))
    for at, (ref, who, trust, page, state) in enumerate(rows):
        y = 36 + at * 36
        paper.box(20, y, 440, 30, "light" if state == "in use" else "plain")
        for x, word in ((52, ref), (110, who), (158, trust), (248, page)):
            paper.text(x, y + 20, word, style="code")
        paper.text(390, y + 20, state, style="small")
        to = 36 + 34 * (len(rows) - 1) * holders.index(who) / max(len(holders) - 1, 1)
        paper.line((460, y + 15), (570, to + 16), arrow=True)
    for at, who in enumerate(holders):
        y = 36 + 34 * (len(rows) - 1) * at / max(len(holders) - 1, 1)
        paper.box(570, y, 120, 32)
        paper.text(630, y + 21, who, style="name")
    return paper


def two_views(book: Path, _: BuildEnvironment) -> Paper:
    """One frame, and the two numbers under which two guests have it."""
    found = _lines(book, "views", r"^d(\d+), frame (0x\w+), leads to (0x\w+): (.*)$", 2)
    if found[0][2:] != found[1][2:]:
        raise QuoteError("the session 'row' came to two frames, or found two contents")
    _, _, frame, words = found[0]
    told = " and ".join(f"in d{who} frame {gfn}" for who, gfn, *_ in found)
    paper = Paper(WIDTH, 214, f"One frame of the machine, {frame}, is {told}. Each reads in it: "
                  f"{words}. d1 owns it, d2 has borrowed it.")
    paper.box(270, 130, 180, 60, "light")
    paper.text(360, 152, f"the machine's {frame}", style="code")
    paper.text(360, 174, words, style="small")
    for at, (who, gfn, *_) in enumerate(found):
        x = 40 + at * 420
        paper.box(x, 16, 220, 52)
        paper.text(x + 110, 37, f"d{who}, frame {gfn}", style="name")
        paper.text(x + 110, 56, "owned" if at == 0 else "borrowed, by handle 0", style="small")
        paper.line((x + 110, 68), (310 + at * 100, 130), arrow=True)
        paper.text(150 + at * 420, 112, f"d{who}'s tables", style="small")
    return paper


def promise(book: Path, _: BuildEnvironment) -> Paper:
    """What stands in row 42 at each turn of its life, and who wrote it."""
    text = transcript(book, "row", "hosted")
    seen = dict(re.findall(r"^(offered|mapped|given back): flags (0x\w+)", text, re.MULTILINE))
    if len(seen) != 3:
        raise QuoteError("the session 'row' shows other turns of a promise's life")
    turns = [("nothing", "0x0000", ""), ("offered", seen["offered"], "its guest writes"),
             ("in use", seen["mapped"], "we mark"), ("offered", seen["given back"], "we clear"),
             ("taken back", "0x0000", "its guest exchanges")]
    told = "; ".join(f"{name}, flags {flags}" + (f", when {who}" if who else "")
                     for name, flags, who in turns)
    paper = Paper(WIDTH, 190, f"The turns of a promise's life: {told}. A dashed way leaves 'in "
                  "use': its owner dies, nothing more is promised, and the page stays until it "
                  "is given back.")
    for at, (name, flags, who) in enumerate(turns):
        x = 14 + at * 144
        paper.box(x, 40, 100, 52, "light" if name == "in use" else "plain")
        paper.text(x + 50, 61, name, style="name")
        paper.text(x + 50, 80, flags, style="code")
        if who:
            paper.line((x - 44, 66), (x, 66), arrow=True)
            paper.text(x - 22, 24 if at % 2 else 30, who, style="small")
    paper.box(302, 134, 100, 40, dashed=True)
    paper.text(352, 159, "pinned", style="name")
    paper.line((352, 92), (352, 134), arrow=True, dashed=True)
    paper.text(290, 118, "its owner dies", at="end", style="small")
    paper.line((402, 154), (470, 154), arrow=True, dashed=True)
    paper.text(478, 159, "given back: the domain leaves", at="start", style="small")
    return paper
