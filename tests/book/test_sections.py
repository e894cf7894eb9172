"""Sections: what an event calls its place in the book is a place in the book."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from quoting import complete_folders

LABEL = re.compile(r"^\(([\w-]+)\)=$", re.MULTILINE)
SECTION = re.compile(r'"([a-z][a-z0-9-]*)"(?:, \w+)?\};')


def labels(book: Path) -> set[str]:
    """The labels of all pages."""
    return {name for path in book.rglob("*.md") for name in LABEL.findall(path.read_text())}


@pytest.fixture(scope="module")
def told(top: Path) -> list[Path]:
    """The events of the chapters that the book tells to the end."""
    paths = [top / "hv" / folder / "trace.hpp" for folder in complete_folders(top / "book")]
    return [path for path in paths if path.is_file() and path.parent.name != "base"]


def test_each_event_leads_to_a_section(top: Path, told: list[Path]) -> None:
    known = labels(top / "book")
    for path in told:
        text = path.read_text()
        sections = SECTION.findall(text)
        assert len(sections) == len(re.findall(r"TraceEvent \w+\s*\{", text)), path
        assert set(sections) <= known, f"{path}: {sorted(set(sections) - known)}"


def test_no_label_is_set_twice(top: Path) -> None:
    texts = [path.read_text() for path in (top / "book").rglob("*.md")]
    found = [name for text in texts for name in LABEL.findall(text)]
    assert len(found) > 10 and sorted(set(found)) == sorted(found)
