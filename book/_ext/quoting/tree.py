"""Builds the index of a source tree: every file once, on all cores, remembered by its hash."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

from . import cxx, plain
from .cxx import Content
from .symbols import Index, State, Symbol

#: Changes whenever the shape of what is remembered changes.
VERSION = "12"
#: So few files are read faster without a prelude and a pool.
FEW = 3
HEADERS = {".hpp", ".h", ".in"}
CXX = HEADERS | {".cpp"}
SCRIPT = {".ld", ".lds"}


def files(root: Path) -> list[Path]:
    """The source files of a tree that can hold symbols."""
    known = CXX | SCRIPT | {".S"}
    return sorted(p for p in root.rglob("*") if p.suffix in known and p.is_file())


def build(root: Path, cache: Path | None = None) -> tuple[Index, list[str]]:
    """The index of `root`, and one line for each file whose extents are doubtful."""
    root = root.resolve()
    arguments = cxx.flags(root)
    known: list[Content] = []
    unread: list[Path] = []
    for path in files(root):
        kept = _kept(path, root, arguments, cache)
        if kept and kept.is_file():
            known.append((*_restore(json.loads(kept.read_text())), ""))
        else:
            unread.append(path)
    known += _read_all(unread, root, arguments, cache)
    symbols = [symbol for content in known for symbol in content[0]]
    states = [state for content in known for state in content[1]]
    return Index(root, symbols, states), [content[2] for content in known if content[2]]


def _read_all(
    paths: list[Path], root: Path, arguments: list[str], cache: Path | None
) -> list[Content]:
    """Read what the cache does not know, on all cores, and keep it."""
    with tempfile.TemporaryDirectory() as folder:
        many = len(paths) > FEW
        lead = cxx.prelude(library_headers(paths), arguments, Path(folder)) if many else []
        headers = [p for p in paths if p.suffix in HEADERS and p.parent.name != "hosted"]
        found = cxx.read_headers(headers, root, arguments) if many else {}
        left = [path for path in paths if path not in found]
        jobs = [(path, root, [*arguments, *lead]) for path in left]
        if not many:
            found |= zip(left, map(_scan, jobs), strict=True)
        else:
            with concurrent.futures.ProcessPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
                found |= zip(left, pool.map(_scan, jobs, chunksize=4), strict=True)
    for path, content in found.items():
        if (kept := _kept(path, root, arguments, cache)) and not content[2]:
            _keep(kept, *content[:2])
    return list(found.values())


def library_headers(paths: list[Path]) -> set[str]:
    """The headers of the C++ library and of Boost that some files include."""
    include = re.compile(r"^#include <([a-z_]+(?:\.h)?|boost/[\w/]+\.hpp)>", re.MULTILINE)
    texts = (path.read_text(encoding="utf-8") for path in paths if path.suffix in CXX)
    return {name for text in texts for name in include.findall(text)}


def _kept(path: Path, root: Path, arguments: list[str], cache: Path | None) -> Path | None:
    """Where the cache keeps a file's content: named by all that it depends on."""
    name = str(path.relative_to(root))
    key = "\0".join([VERSION, name, *arguments]).replace(str(root), "").encode()
    return cache / f"{hashlib.sha256(key + path.read_bytes()).hexdigest()}.json" if cache else None


def _scan(job: tuple[Path, Path, list[str]]) -> Content:
    path, root, arguments = job
    if path.suffix in CXX:
        content = cxx.read(path, root, arguments)
        # A file that defines what the library declares cannot stand the prelude
        plainly = [a for a in arguments if a != "-include-pch" and not a.endswith(".pch")]
        return cxx.read(path, root, plainly) if content[2] and plainly != arguments else content
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
