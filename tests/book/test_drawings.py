"""Drawings: each says in words what it shows, and shows what the source says."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drawings import boot
from drawings.paper import Paper


def words(paper: Paper) -> str:
    """The drawing's description, out of sound XML."""
    drawn = ElementTree.fromstring(paper.svg())
    assert drawn.get("role") == "img"
    return drawn.get("aria-label") or ""


def test_address_space_has_every_window(top: Path) -> None:
    header = (top / "hv" / "boot" / "address_space.hpp").read_text()
    said = words(boot.address_space(top / "book", None))
    windows = re.findall(r"constexpr u64 \w+ = (0xffff[0-9a-f]+);", header)
    assert len(windows) == 4
    for address in windows:
        assert address in said


def test_stacks_have_the_sizes_of_the_source(top: Path) -> None:
    known = boot.constants(top / "book")
    said = words(boot.stacks(top / "book", None))
    assert f"{known['stack_slot_bytes'] >> 10} KiB" in said
    assert f"{known['stack_bytes'] >> 10} KiB" in said


def test_neighbours_that_say_the_same_are_one() -> None:
    told = [(0, 1, "free"), (1, 3, "free"), (3, 4, "mine"), (6, 7, "mine")]
    assert boot._joined(told) == [(0, 3, "free"), (3, 4, "mine"), (6, 7, "mine")]


@pytest.mark.parametrize("mark", ["<", "&", '"'])
def test_words_are_written_for_xml(mark: str) -> None:
    paper = Paper(10, 10, f"a {mark} b")
    paper.text(1, 1, f"c {mark} d")
    assert words(paper) == f"a {mark} b"
