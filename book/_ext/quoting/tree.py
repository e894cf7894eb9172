"""Builds the index of a source tree: every file once, on all cores, remembered by its hash."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import os
from pathlib import Path

from . import cxx, plain
from .symbols import Index, State, Symbol

#: Changes whenever the shape of what is remembered changes.
VERSION = "8"
CXX = {".cpp", ".hpp", ".h", ".in"}
SCRIPT = {".ld", ".lds"}


def files(root: Path) -> list[Path]:
    """The source files of a tree that can hold symbols."""
    known = CXX | SCRIPT | {".S"}
    return sorted(p for p in root.rglob("*") if p.suffix in known and p.is_file())


def build(root: Path, cache: Path | None = None) -> tuple[Index, list[str]]:
    """The index of `root`, and one line for each file whose extents are doubtful."""
    root = root.resolve()
    arguments = cxx.flags(root)
    jobs = [(path, root, arguments, cache) for path in files(root)]
    symbols: list[Symbol] = []
    states: list[State] = []
    doubtful: list[str] = []
    with concurrent.futures.ProcessPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        for found, mutable, doubt in pool.map(_read, jobs):
            symbols += found
            states += mutable
            doubtful += [doubt] if doubt else []
    return Index(root, symbols, states), doubtful


def _read(job: tuple[Path, Path, list[str], Path | None]) -> tuple[list[Symbol], list[State], str]:
    """What one file holds, from the cache where its text has not changed."""
    path, root, arguments, cache = job
    name = str(path.relative_to(root))
    key = "\0".join([VERSION, name, *arguments]).replace(str(root), "").encode() + path.read_bytes()
    kept = cache / f"{hashlib.sha256(key).hexdigest()}.json" if cache else None
    if kept and kept.is_file():
        return *_restore(json.loads(kept.read_text())), ""
    found, states, doubt = _scan(path, root, arguments)
    if kept and not doubt:
        _keep(kept, found, states)
    return found, states, doubt


def _scan(path: Path, root: Path, arguments: list[str]) -> tuple[list[Symbol], list[State], str]:
    if path.suffix in CXX:
        return cxx.read(path, root, arguments)
    return (plain.script if path.suffix in SCRIPT else plain.assembly)(path, root), [], ""


def _keep(kept: Path, found: list[Symbol], states: list[State]) -> None:
    """Write a file of the cache in one move, so that a second build never reads half of it."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(f".{os.getpid()}")
    fresh.write_text(
        json.dumps([[dataclasses.asdict(item) for item in items] for items in (found, states)])
    )
    fresh.replace(kept)


def _restore(saved: list[list[dict]]) -> tuple[list[Symbol], list[State]]:
    symbols = [
        Symbol(**(entry | {"body": tuple(entry["body"]) if entry["body"] else None}))
        for entry in saved[0]
    ]
    return symbols, [State(**entry) for entry in saved[1]]
