"""Finds what libclang does not see: labels and macros in assembly, sections in linker scripts."""

from __future__ import annotations

import re
from pathlib import Path

from .symbols import Symbol

LABEL = re.compile(r"([A-Za-z_][\w$]*):|\s*\.macro\s+(\w+)")
SECTION = re.compile(r"\s*([./][\w./]*)\s[^;{]*:[^;{]*\{?|\s*([./][\w./]*)\s*:[^;{]*\{?")
COMMENT = re.compile(r"\s*(//|#|/\*|\*)")


def assembly(path: Path, root: Path) -> list[Symbol]:
    """Each label of a `.S` file, from its line to the line before the next label."""
    lines = path.read_text(encoding="utf-8").split("\n")
    starts = [
        (n, match[1] or match[2]) for n, line in enumerate(lines, 1) if (match := LABEL.match(line))
    ]
    found = []
    for at, (line, name) in enumerate(starts):
        end = starts[at + 1][0] - 1 if at + 1 < len(starts) else len(lines)
        found.append(
            Symbol(
                name=name,
                kind="label",
                file=str(path.relative_to(root)),
                first=line,
                last=_trim(lines, line, end),
                doc=_above(lines, line),
                linkage=name,
            )
        )
    return found


def script(path: Path, root: Path) -> list[Symbol]:
    """Each output section of a linker script, from its name to the brace that closes it."""
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    depth = 0
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines, 1):
        text = re.sub(r"/\*.*?\*/", "", line)
        match = SECTION.match(text)
        if match and depth == 1 and opened is None:
            opened = (number, match[1] or match[2])
        depth += text.count("{") - text.count("}")
        if opened and depth == 1 and "}" in text:
            start, name = opened
            found.append(
                Symbol(
                    name=name,
                    kind="section",
                    file=str(path.relative_to(root)),
                    first=start,
                    last=number,
                    doc=_above(lines, start),
                )
            )
            opened = None
    return found


def _trim(lines: list[str], first: int, last: int) -> int:
    """Leave the next label's directives, comments and blank lines to the next label."""
    while last > first:
        text = lines[last - 1].strip()
        lead = re.match(
            r"\.(globl|global|type|section|align|balign|p2align|code\d\d|hidden)\b", text
        )
        if text and not lead and not COMMENT.match(text):
            break
        last -= 1
    return last


def _above(lines: list[str], first: int) -> int:
    """The first line of the comments that stand directly above."""
    while first > 1 and COMMENT.match(lines[first - 2]):
        first -= 1
    return first
