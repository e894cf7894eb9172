"""Finds the files that the checkers read, and the exceptions that they allow."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

SOURCE = {".cpp", ".hpp", ".h", ".S", ".ld", ".py"}
OURS = ("hv", "chapters", "pyhv", "book", "tests", "notebooks")


def tracked(top: Path) -> list[Path]:
    """The files under version control, or all files where there is none."""
    asked = subprocess.run(
        ["git", "-C", str(top), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
    )
    inside = (top / ".git").exists() and asked.returncode == 0
    found = (
        [top / name for name in asked.stdout.split("\0") if name]
        if inside
        else list(top.rglob("*"))
    )
    return sorted(path for path in found if path.is_file())


def sources(top: Path, *folders: str) -> list[Path]:
    """The source files of some folders."""
    wanted = folders or OURS
    return [
        p
        for p in tracked(top)
        if p.suffix in SOURCE and any(p.is_relative_to(top / folder) for folder in wanted)
    ]


def exceptions(top: Path) -> dict[str, dict[str, dict]]:
    """The named exceptions: for each check, what is allowed and why."""
    path = top / "tests" / "book" / "exceptions.toml"
    return tomllib.loads(path.read_text()) if path.is_file() else {}
