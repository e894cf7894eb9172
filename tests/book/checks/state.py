"""State: nothing that can change lives outside `Machine` and `Cpu`, in source and image."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from quoting.symbols import Index

from . import listing

MUTABLE = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)")
STARTUP = re.compile(r"\.(init_array|ctors|preinit_array)")
SYMBOL = re.compile(r"^([0-9a-f]+) (.{7}) (\S+)\s+([0-9a-f]+)\s+(.*)$")


def check(top: Path, index: Index) -> list[str]:
    """Every mutable variable of the source that is not a named exception."""
    allowed = listing.exceptions(top).get("state", {})
    wrong = [
        f"hv/{s.file}:{s.line}: {s.name} can change and belongs to no machine"
        for s in index.states
        if s.name not in allowed
    ]
    return wrong


def check_image(top: Path, image: Path) -> list[str]:
    """What the linked image says: objects in writable sections, code before main, guards."""
    allowed = listing.exceptions(top).get("state", {})
    wrong = []
    for line in _objdump(image, "-tC").splitlines():
        found = SYMBOL.match(line)
        if not found:
            continue
        flags, section, size, name = found[2], found[3], int(found[4], 16), found[5]
        name = re.sub(r"^\.hidden\s+|\(anonymous namespace\)::", "", name).strip()
        if "guard variable" in name or "__cxa_guard" in name:
            wrong.append(f"{image.name}: {name} guards a static that is made at run time")
        elif "O" in flags and size and MUTABLE.match(section) and name not in allowed:
            wrong.append(f"{image.name}: {name} ({size} bytes in {section}) can change")
    for line in _objdump(image, "-h").splitlines():
        found = re.match(r"\s*\d+\s+(\S+)\s+([0-9a-f]+)", line)
        if found and STARTUP.match(found[1]) and int(found[2], 16):
            wrong.append(
                f"{image.name}: {found[1]} is not empty, something is initialised at run time"
            )
    return wrong


def unused(top: Path, index: Index, image: Path | None) -> list[str]:
    """Exceptions that neither the source nor the image needs."""
    allowed = set(listing.exceptions(top).get("state", {}))
    known = {s.name for s in index.states}
    if image is not None:
        known |= {
            m[5].strip()
            for line in _objdump(image, "-tC").splitlines()
            if (m := SYMBOL.match(line))
        }
        return [f"{name} is an exception that is not needed" for name in sorted(allowed - known)]
    return []


def _objdump(image: Path, option: str) -> str:
    return subprocess.run(
        ["objdump", "-w", option, str(image)], capture_output=True, text=True, check=True
    ).stdout
