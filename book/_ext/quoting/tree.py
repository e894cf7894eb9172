"""Builds the index of a whole source tree: every file once, on all cores, remembered by its hash."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import os
from pathlib import Path

from . import cxx, plain
from .symbols import Index, Symbol

#: Changes whenever the shape of what is remembered changes.
VERSION = "5"
CXX = {".cpp", ".hpp", ".h", ".in"}
SCRIPT = {".ld", ".lds"}


def files(root: Path) -> list[Path]:
    """The source files of a tree that can hold symbols."""
    known = CXX | SCRIPT | {".S"}
    return sorted(p for p in root.rglob("*") if p.suffix in known and p.is_file())


def build(root: Path, cache: Path | None = None, database: Path | None = None) -> tuple[Index, list[str]]:
    """The index of `root`, and one line for each file whose extents are doubtful."""
    root = root.resolve()
    arguments = cxx.flags(root, database)
    jobs = [(path, root, arguments, cache) for path in files(root)]
    symbols: list[Symbol] = []
    broken: list[str] = []
    with concurrent.futures.ProcessPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        for found, error in pool.map(_read, jobs):
            symbols += found
            if error:
                broken.append(error)
    return Index(root, symbols), broken


def _read(job: tuple[Path, Path, list[str], Path | None]) -> tuple[list[Symbol], str]:
    """The symbols of one file, from the cache where its text has not changed."""
    path, root, arguments, cache = job
    key = "\0".join([VERSION, str(path), *arguments]).encode() + path.read_bytes()
    kept = cache / f"{hashlib.sha256(key).hexdigest()}.json" if cache else None
    if kept and kept.is_file():
        return [_restore(entry) for entry in json.loads(kept.read_text())], ""
    found, doubt = _scan(path, root, arguments)
    if kept and not doubt:
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps([dataclasses.asdict(symbol) for symbol in found]))
        fresh.replace(kept)
    return found, doubt


def _scan(path: Path, root: Path, arguments: list[str]) -> tuple[list[Symbol], str]:
    if path.suffix in CXX:
        return cxx.symbols(path, root, arguments)
    return (plain.script if path.suffix in SCRIPT else plain.assembly)(path, root), ""


def _restore(entry: dict) -> Symbol:
    entry["body"] = tuple(entry["body"]) if entry["body"] else None
    return Symbol(**entry)
