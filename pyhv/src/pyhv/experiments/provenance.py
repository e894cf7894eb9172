# What an experiment was made of: the commit, the hashes, the versions.
"""Name exactly what ran, so that another day it can be told whether the same ran again."""

import hashlib
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

from pyhv import bochs, kernels
from pyhv.doctor import version_of
from pyhv.machine import Machine
from pyhv.paths import ROOT

LOCKS = ("pyhv/requirements.lock", "tests/requirements.lock")
PROGRAMS = {"qemu": "qemu-system-x86_64", "bochs": "bochs"}


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True,
                              check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def of_tree() -> dict[str, Any]:
    """Return the commit, whether the tree has changes, the lock files' hashes, Python's version."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "locks": {name: sha256(ROOT / name) for name in LOCKS if (ROOT / name).exists()},
        "python": platform.python_version(),
    }


def of_hosted() -> dict[str, Any]:
    """Return what a hosted machine is made of."""
    from pyhv.t0.native import load

    return {"image": sha256(Path(load().__file__))}


def of_machine(machine: Machine, command: str) -> dict[str, Any]:
    """Return what an emulated machine is made of, and the command line that starts it."""
    assert machine.image is not None
    usual = bochs.MODEL if machine.emulator == "bochs" else "EPYC"
    return {
        "image": sha256(machine.image),
        "module": sha256(machine.module) if machine.module else None,
        "kernels": json.loads(kernels.RECORD.read_text()) if kernels.RECORD.exists() else {},
        "emulator": machine.emulator,
        "emulator_version": version_of(PROGRAMS[machine.emulator]),
        "model": machine.model or usual,
        "command": command,
    }
