"""Floors: a room leans on the rooms below it only, and few rooms know that two engines exist."""

from __future__ import annotations

import re
from pathlib import Path

from . import listing

GROUND = ("base", "x86")
ENGINES = ("vmx", "svm")
ENGINES_KNOWN_TO = ("boot", "domains")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^">]+)[">]')
#: A lab's hosted program, which looks at a part of the hypervisor as a unit test does.
PROBE = "probe.cpp"
#: A raw exit code that is compared above the engines: they hand it up only to be printed.
RAW = re.compile(
    r"[.>]raw\b\s*(==|!=|<(?!<)|>(?!>)|&)|switch\s*\([^)]*[.>]raw\b|\b(exit_reason|exitcode)\b",
    re.IGNORECASE,
)


def check(top: Path) -> list[str]:
    """Every include that goes up, and every raw exit code that left its folder."""
    chapters = (top / "chapters" / "order").read_text().split()
    wrong: list[str] = []
    for path in listing.sources(top, "hv"):
        room = path.relative_to(top / "hv").parts[0]
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            where = f"{path.relative_to(top)}:{number}"
            found = INCLUDE.match(line)
            target = _room(top / "hv", path, found[1]) if found else ""
            if target and target not in allowed(room, chapters):
                wrong.append(f"{where}: {room} may not include {target}")
            if room not in ENGINES and RAW.search(line.split("//")[0]):
                wrong.append(f"{where}: a raw exit code is looked at outside its engine")
    return wrong + _small_guests(top) + _probes(top, chapters)


def allowed(room: str, chapters: list[str]) -> set[str]:
    """The rooms that a room may include."""
    if room == "base":
        return {"base"}
    if room == "x86":
        return set(GROUND)
    if room in ENGINES:
        return {*GROUND, room}
    if room in chapters:
        below = chapters[: chapters.index(room) + 1]
        return {*GROUND, *below, *(ENGINES if room in ENGINES_KNOWN_TO else ())}
    return {*GROUND, *chapters} if room == "main.cpp" else set()


def _room(root: Path, path: Path, target: str) -> str:
    """The room of an included file, or nothing when it is not one of the house."""
    if (path.parent / target).exists():
        inside = (path.parent / target).resolve()
        return (
            inside.relative_to(root.resolve()).parts[0]
            if inside.is_relative_to(root.resolve())
            else ".."
        )
    first = target.split("/")[0]
    return first if "/" in target and (root / first).is_dir() else ""


def _small_guests(top: Path) -> list[str]:
    """Guests share a few pure parsers with the hypervisor, and nothing else."""
    shared = listing.exceptions(top).get("shared", {})
    wrong = []
    for path in listing.sources(top, "chapters"):
        if path.name == PROBE:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            found = INCLUDE.match(line)
            if (
                not found
                or (path.parent / found[1]).exists()
                or (top / "chapters" / found[1]).exists()
            ):
                continue
            name = found[1].removeprefix("hv/")
            if (top / "hv" / name).is_file() and name not in shared:
                wrong.append(f"{path.relative_to(top)}:{number}: a guest may not include hv/{name}")
    return wrong


def _probes(top: Path, chapters: list[str]) -> list[str]:
    """A lab's probe stands on its chapter's floor."""
    wrong = []
    for path in listing.sources(top, "chapters"):
        if path.name != PROBE:
            continue
        chapter = path.relative_to(top / "chapters").parts[0]
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            found = INCLUDE.match(line)
            target = _room(top / "hv", path, found[1]) if found else ""
            beside = found and (top / "chapters" / found[1]).exists()
            if target and not beside and target not in allowed(chapter, chapters):
                wrong.append(
                    f"{path.relative_to(top)}:{number}: a probe of {chapter} may not include "
                    f"{target}"
                )
    return wrong
