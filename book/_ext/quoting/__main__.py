"""Prints what is wrong with the quotes, and what has no home: `python -m quoting [folder …]`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from . import complete_folders, fences, homes, tree


def main(folders: list[str]) -> int:
    """Print the faults and the counts; with folders, also their symbols without a home."""
    book = Path(__file__).resolve().parents[2]
    top = book.parent
    index, doubtful = tree.build(top / "hv", top / "build" / "book" / "quoting")
    registry = homes.register(index, fences.read_book(book), complete_folders(book))
    for fault in registry.faults:
        print(fault)
    left = registry.homeless()
    every = Counter(s.folder for s in index.symbols)
    missing = Counter(s.folder for s in left)
    for folder in sorted(every):
        print(f"{folder:12} {missing[folder]:5} of {every[folder]:5} symbols have no home")
    for chapter, minutes in sorted(registry.minutes.items()):
        print(
            f"{chapter:12} {registry.quoted[chapter]:5} lines quoted, {minutes:.0f} minutes to read"
        )
    for symbol in (s for s in left if s.folder in folders):
        print(f"hv/{symbol.file}:{symbol.first}: {symbol.kind} {symbol.title}")
    print(
        f"{len(left)} of {len(index.symbols)} symbols have no home; "
        f"{len(doubtful)} files are doubtful"
    )
    for line in doubtful:
        print(f"doubtful: {line}")
    return 1 if registry.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
