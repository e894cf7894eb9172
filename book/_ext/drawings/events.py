"""The pictures of chapter events: two kinds of touch, levels and queues, states, ring, moments."""

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
STATES = ("", "initialising", "waiting", "initialised", "connected", "closing", "closed")
"""XenbusState of xen/io/xenbus.h, in this book's words."""
STEPS = (("front", 1, ""), ("back", 1, ""), ("back", 2, "what it can do"),
         ("front", 3, "grant and port"), ("back", 4, "joined, mapped"), ("front", 4, "in use"))
"""Who says what in which order, when a device comes up, and what goes with it."""
ROOMS = (("HLT", "I am blocked", "my mail"),
         ("the crossing", "I am inside, as of generation n", "the generation"),
         ("SCHEDOP_poll", "I poll, and am blocked", "the pending bits"),
         ("a guest's handler", "flag down", "the selector"),
         ("a ring's end", "ring me at index n", "the other's index"),
         ("a listener", "bit down", "what it stands for"))
"""Where something is said first and looked at afterwards."""


def _numbers(text: str, label: str) -> list[int]:
    """The numbers behind a label of a transcript."""
    found = re.search(rf"^{re.escape(label)}: ([\d ]+)$", text, re.M)
    if found is None:
        raise QuoteError(f"the session 'layouts' printed nothing called '{label}'")
    return [int(number) for number in found[1].split()]


def _run(book: Path, env: BuildEnvironment, name: str) -> str:
    """What a session printed, which a caption may quote by `{ran}`."""
    text = transcript(book, name, "hosted")
    env.temp_data.setdefault("runs", {})[name] = text
    return text


def grant_and_bell(_: Path, __: BuildEnvironment) -> Paper:
    """The two ways in which one domain may touch another."""
    paper = Paper(WIDTH, 214, "Two guests, and between them the two things that they may share. A "
                  "grant is one page that both see, and carries everything. A bell is one bit "
                  "that one sets and the other finds, and carries nothing. Both go through rows "
                  "that the hypervisor keeps.")
    for x, name in ((16, "web-frontend"), (554, "db-primary")):
        paper.box(x, 20, 150, 130)
        paper.text(x + 75, 44, name, style="name")
    paper.box(290, 40, 140, 34, "light")
    paper.text(360, 61, "a page of requests", style="small")
    paper.line((166, 57), (290, 57))
    paper.line((430, 57), (554, 57))
    paper.text(228, 50, "grant 42", style="small")
    paper.text(492, 50, "mapped", style="small")
    paper.box(352, 108, 16, 16, "dark")
    paper.text(360, 100, "one bit", style="small")
    paper.line((166, 116), (352, 116), arrow=True)
    paper.line((368, 116), (554, 116), arrow=True)
    paper.text(228, 109, "rings port 1", style="small")
    paper.text(492, 109, "finds port 1", style="small")
    paper.box(16, 166, 688, 34)
    paper.text(360, 187, "the hypervisor: who may, and where it leads", style="name")
    return paper


def levels(book: Path, _: BuildEnvironment) -> Paper:
    """The tree of bits, as a guest of the session had it."""
    text = part_of(transcript(book, "layouts", "hosted"), "levels")
    chosen = _numbers(text, "selector's bits")
    found = re.findall(r"^word (\d+), pending and not masked, bits: ([\d ]+)$", text, re.M)
    words = {int(word): [int(bit) for bit in bits.split()] for word, bits in found}
    masked = _numbers(text, "masked, and pending")[0]
    told = "; ".join(f"word {word}, bit {bit}: port {64 * word + bit}"
                     for word, bits in words.items() for bit in bits)
    paper = Paper(WIDTH, 44 + 62 * len(words), "From a flag to ports. The flag says that events "
                  f"wait; the selector has bits {', '.join(map(str, chosen))} up; each names a "
                  f"word of pending bits. {told}. Port {masked} is pending too, dashed, and "
                  "masked.")
    paper.box(12, 50, 54, 30, "dark")
    paper.text(39, 42, "flag", style="small")
    paper.line((66, 65), (100, 65), arrow=True)
    paper.text(180, 42, "selector: bits 0 to 7 of 64", style="small")
    for bit in range(8):
        paper.box(100 + bit * 20, 50, 20, 30, "dark" if bit in chosen else "plain")
    paper.text(475, 18, "words of pending bits: 64 each", style="small")
    for at, (word, bits) in enumerate(words.items()):
        y = 36 + at * 62
        paper.line((110 + word * 20, 80), (110 + word * 20, y + 15 if at else 92),
                   *([] if at else [(300, 92), (300, y + 15)]), (334, y + 15), arrow=True)
        paper.box(334, y, 256, 26)
        paper.text(334, y + 42, f"word {word}", at="start", style="small")
        for bit in bits:
            paper.box(334 + bit * 4, y, 4, 26, "dark")
            paper.text(602, y + 17, f"port {64 * word + bit}", at="start", style="code")
        if masked // 64 == word:
            paper.box(334 + masked % 64 * 4, y, 4, 26, dashed=True)
            paper.text(590, y + 42, f"{masked}: masked", at="end", style="small")
    return paper


def queues(book: Path, _: BuildEnvironment) -> Paper:
    """The queues of the session, from the control block to their tails."""
    text = part_of(transcript(book, "layouts", "hosted"), "queues")
    found = re.findall(r"^queue (\d+): ([\d >-]+)$", text, re.M)
    lines = {int(queue): [int(port) for port in way.split(" -> ")] for queue, way in found}
    if not lines:
        raise QuoteError("the session 'layouts' printed no queues")
    told = "; ".join(f"queue {queue}: " + ", then ".join(f"port {port}" for port in way)
                     for queue, way in lines.items())
    paper = Paper(WIDTH, 60 + 62 * len(lines), "A control block with sixteen heads; those that are "
                  f"ready lead to lines of words, each with the number of the next. {told}. The "
                  "tail of each line is noted by the hypervisor, dashed.")
    paper.text(100, 22, "control block: ready, heads", style="small")
    for at, (queue, way) in enumerate(lines.items()):
        y = 36 + at * 62
        paper.box(20, y, 160, 34, "light")
        paper.text(100, y + 21, f"priority {queue}: head {way[0]}", style="name")
        for place, port in enumerate(way):
            x = 240 + place * 170
            paper.line((x - 60 if place == 0 else x - 50, y + 17), (x, y + 17), arrow=True)
            paper.box(x, y, 120, 34)
            paper.text(x + 60, y + 21, f"word of port {port}")
        x = 240 + len(way) * 170
        paper.box(x, y + 4, 110, 26, dashed=True)
        paper.text(x + 55, y + 21, f"tail: {way[-1]}", style="small")
        paper.line((x, y + 17), (x - 50, y + 17), arrow=True, dashed=True)
    return paper


def states(_: Path, __: BuildEnvironment) -> Paper:
    """The dance of two drivers."""
    told = "; ".join(f"the {who} says {state}, {STATES[state]}" + (f": {what}" if what else "")
                     for who, state, what in STEPS)
    paper = Paper(WIDTH, 60 + 44 * len(STEPS), f"In this order, from top to bottom: {told}. Each "
                  "step waits for the one before it, so where one is missing, both wait.")
    columns = {"front": 180, "back": 540}
    for who, x in columns.items():
        paper.text(x, 26, who, style="name")
    last: dict[str, tuple[float, float]] = {}
    for at, (who, state, what) in enumerate(STEPS):
        x, y = columns[who], 42 + at * 44
        if who in last:
            paper.line((x, last[who][1]), (x, y))
        if at > 1:
            other = columns["back" if who == "front" else "front"]
            side = 62 if other < x else -62
            before = last["back" if who == "front" else "front"]
            paper.line((other + (62 if other < x else -62), before[1] - 14), (x - side, y + 14),
                       arrow=True, dashed=True)
        paper.box(x - 62, y, 124, 28, "light" if state == 4 else "plain")
        paper.text(x, y + 18, f"{state} {STATES[state]}", style="name" if state == 4 else "")
        if what:
            edge = x - 70 if who == "front" else x + 70
            paper.text(edge, y + 18, what, at="end" if who == "front" else "start", style="small")
        last[who] = (x, y + 28)
    return paper


def ring(book: Path, env: BuildEnvironment) -> Paper:
    """The page of the incident, with its indices."""
    text = _run(book, env, "bell")
    made, done = (int(re.search(rf"^{label}: (\d+)$", text, re.M)[1])  # type: ignore[index]
                  for label in ("written", "answered"))
    paper = Paper(WIDTH, 168, f"A ring of 32 slots. {made} requests were written and {done} "
                  f"answered; so slot {(made - 1) % 32} has a request without an answer. Two "
                  f"indices of production, {made} and {done}, point behind it and to it.")
    at = {made % 32: f"req_prod {made}", done % 32: f"rsp_prod {done}"}
    for slot in range(32):
        x = 24 + slot * 21
        open_ = any(index % 32 == slot for index in range(done, made))
        paper.box(x, 62, 21, 38, "dark" if open_ else "light" if slot < made % 32 else "plain")
        if slot % 4 == 0:
            paper.text(x + 10, 116, str(slot), style="small")
    for slot, name in at.items():
        x = 24 + slot * 21 + (10 if slot == done % 32 else 2)
        late = slot == made % 32
        paper.line((x, 40), (x, 62), arrow=True)
        paper.text(x + (6 if late else -6), 36, name, at="start" if late else "end", style="code")
    paper.text(24, 144, "dark: a request that nobody has answered", at="start", style="small")
    paper.text(690, 144, "32 slots, then around", at="end", style="small")
    return paper


def moments(book: Path, _: BuildEnvironment) -> Paper:
    """The last moments of the incident, drawn to scale."""
    text = part_of(transcript(book, "bell", "hosted"), "moments")
    rows = [(int(when.replace(",", "")), who, what)
            for when, who, what in re.findall(r"^ *([\d,]+) µs +(the bit|\S+) +(.+)$", text, re.M)]
    if not rows:
        raise QuoteError("the session 'bell' printed no moments")
    told = "; ".join(f"after {when:,} microseconds, {who}: {what}" for when, who, what in rows)
    paper = Paper(WIDTH, 216, f"Three lines of time. {told}.")
    names = {"web-frontend": 56, "the bit": 116, "db-primary": 176}
    end = rows[-1][0] or 1
    for name, y in names.items():
        paper.text(10, y + 4, name, at="start")
        paper.line((120, y), (708, y), dashed=name == "the bit")
    up = [when for when, who, what in rows if who == "the bit"]
    place = [130 + 540 * when / end for when in up]
    paper.box(place[0], 112, place[-1] - place[0], 8, "dark")
    for when, who, what in rows:
        x = 130 + 540 * when / end
        if who == "the bit":
            continue
        y = names[who]
        paper.line((x, y - 6), (x, y + 6))
        near_end = x > 560
        paper.text(x + (4 if not near_end else -4), y - 12 if who == "web-frontend" else y + 22,
                   what, at="end" if near_end else "start", style="small")
        if "rings" in what:
            paper.line((x, y + 6), (x, 110), arrow=True, dashed=True)
        elif "sleep" in what:
            paper.line((x, y - 6), (x, 122), arrow=True)
            paper.text(x - 6, y - 26, "takes the bit", at="end", style="small")
    return paper


def vocabulary(_: Path, __: BuildEnvironment) -> Paper:
    """One thought in six rooms."""
    told = "; ".join(f"{room}: says {says}, then looks at {looks}" for room, says, looks in ROOMS)
    paper = Paper(WIDTH, 50 + 30 * len(ROOMS), f"What is said first, and looked at after. {told}.")
    for x, head in ((16, "room"), (190, "says first"), (476, "then looks at")):
        paper.text(x, 26, head, at="start", style="name")
    for at, row in enumerate(ROOMS):
        y = 38 + at * 30
        paper.line((12, y), (708, y))
        for x, words in zip((16, 190, 476), row, strict=True):
            paper.text(x, y + 20, words, at="start")
    return paper
