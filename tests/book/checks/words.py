"""Words: every room says what it is for, and none speaks of anything but the project."""

from __future__ import annotations

import re
from pathlib import Path

from . import listing

#: Spelled with brackets, so that this file passes its own check.
BANNED = re.compile(
    r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b"
    r"|(?<![\w/])/(wor[k]|hom[e]|roo[t])/"
    r"|\bfar[m]-\w+|\.librar[y]\b"
    r"|\bA[I]\b|\blanguage mode[l]|\bchatbo[t]"
)
TEXT = listing.SOURCE | {".md", ".txt", ".toml", ".cmake", ".json", ".sh", ".in", ""}
LEAD = {
    ".cpp": r"//",
    ".hpp": r"//",
    ".h": r"//",
    ".S": r"(//|#|/\*)",
    ".ld": r"(//|/\*)",
    ".py": r"(\"\"\"|#)",
    ".cmake": r"#",
    ".sh": r"#",
}


def check(top: Path) -> list[str]:
    """Every banned word, and every source file whose first line does not say what it is for."""
    wrong = []
    for path in listing.tracked(top):
        if path.suffix not in TEXT or path.name.endswith(".lock"):
            continue
        try:
            rows = path.read_text(encoding="utf-8").split("\n")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(top).as_posix()
        wrong += [
            f"{name}:{n}: says '{found[0]}'"
            for n, row in enumerate(rows, 1)
            if (found := BANNED.search(row))
        ]
        if not _says_its_purpose(path, rows):
            wrong.append(
                f"{name}:1: the first line is not a comment that says what the file is for"
            )
    return wrong


def _says_its_purpose(path: Path, rows: list[str]) -> bool:
    """True when the first line, after any `#!`, is a comment in words and not a path."""
    is_script = rows[0].startswith("#!")
    lead = '#|"""' if is_script else LEAD.get(path.suffix, "")
    if path.name == "CMakeLists.txt":
        lead = "#"
    if not lead or rows == [""]:
        return True
    first = next((row for row in rows[1 if is_script else 0 :] if row.strip()), "")
    found = re.match(rf"({lead})\s*(.*)", first)
    return (
        bool(found)
        and len(re.findall(r"[A-Za-z]{2,}", first)) >= 3
        and not re.match(r"\S+\.\w+:", found[found.lastindex or 1].strip())
    )
