"""Words: every file says its purpose first, and each planted word is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import words


def test_the_house_speaks_of_itself(top: Path) -> None:
    wrong = words.check(top)
    assert not wrong, "\n".join(wrong)


def test_fixture_has_no_fault(house: Path) -> None:
    assert words.check(house) == []


@pytest.mark.parametrize("half", [("TO", "DO"), ("FIX", "ME"), ("A", "I")])
def test_banned_word(house: Path, half: tuple[str, str]) -> None:
    (house / "hv/base/new.cpp").write_text(f"// A planted room, in words.\n// {''.join(half)}: x\n")
    assert len(words.check(house)) == 1


def test_path_of_one_machine(house: Path) -> None:
    place = "/".join(["", "home", "me"])
    (house / "hv/base/new.cpp").write_text(f"// A planted room, in words.\n// See {place}.\n")
    assert len(words.check(house)) == 1


@pytest.mark.parametrize("first", ["#pragma once", "// hv/base/new.hpp: a list", "//", ""])
def test_file_that_does_not_say_its_purpose(house: Path, first: str) -> None:
    (house / "hv/base/new.hpp").write_text(f"{first}\nint f();\n")
    assert len(words.check(house)) == 1


def test_script_says_it_after_its_shebang(house: Path) -> None:
    (house / "chapters/start").write_text("#!/bin/sh\n# Starts everything there is.\n")
    assert words.check(house) == []
    (house / "chapters/start").write_text("#!/bin/sh\nset -e\n")
    assert len(words.check(house)) == 1
