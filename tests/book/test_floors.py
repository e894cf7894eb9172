"""Floors: the house keeps them, and each planted step upwards is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import floors


def test_the_house_keeps_its_floors(top: Path) -> None:
    wrong = floors.check(top)
    assert not wrong, "\n".join(wrong)


def plant(house: Path, file: str, text: str) -> list[str]:
    path = house / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("// A planted room.\n" + text)
    return floors.check(house)


@pytest.fixture
def rooms(house: Path) -> Path:
    """The fixture tree with all rooms built."""
    for room in ("base", "x86", "vmx", "svm", "boot", "domains"):
        (house / "hv" / room).mkdir(exist_ok=True)
        (house / "hv" / room / "door.hpp").write_text("// A door.\n")
    return house


def test_fixture_has_no_fault(rooms: Path) -> None:
    assert floors.check(rooms) == []


@pytest.mark.parametrize(
    ("room", "target"),
    [
        ("base", "x86"),
        ("x86", "boot"),
        ("x86", "vmx"),
        ("vmx", "svm"),
        ("svm", "domains"),
        ("boot", "domains"),
    ],
)
def test_include_that_goes_up(rooms: Path, room: str, target: str) -> None:
    wrong = plant(rooms, f"hv/{room}/new.cpp", f"#include <{target}/door.hpp>\n")
    assert wrong == [f"hv/{room}/new.cpp:2: {room} may not include {target}"]


@pytest.mark.parametrize(
    ("room", "target"),
    [
        ("x86", "base"),
        ("vmx", "x86"),
        ("boot", "vmx"),
        ("domains", "svm"),
        ("domains", "boot"),
    ],
)
def test_include_that_goes_down(rooms: Path, room: str, target: str) -> None:
    assert plant(rooms, f"hv/{room}/new.cpp", f"#include <{target}/door.hpp>\n") == []


def test_later_chapter_knows_no_engine(rooms: Path) -> None:
    (rooms / "chapters/order").write_text("boot\ndomains\ngrants\n")
    assert len(plant(rooms, "hv/grants/new.cpp", '#include "../vmx/door.hpp"\n')) == 1


def test_main_knows_no_engine(rooms: Path) -> None:
    assert (
        len(plant(rooms, "hv/main.cpp", "#include <vmx/door.hpp>\n#include <boot/door.hpp>\n")) == 1
    )


@pytest.mark.parametrize(
    "line", ["if (exit.raw == 0x7b) {}", "switch (exit->raw) {}", "auto why = vmcb.exitcode;"]
)
def test_raw_exit_code_stays_in_its_engine(rooms: Path, line: str) -> None:
    assert len(plant(rooms, "hv/domains/new.cpp", f"void f() {{ {line} }}\n")) == 1
    (rooms / "hv/domains/new.cpp").unlink()
    assert plant(rooms, "hv/svm/new.cpp", f"void f() {{ {line} }}\n") == []


def test_guest_shares_only_what_is_named(rooms: Path) -> None:
    assert len(plant(rooms, "chapters/dom0/new.cpp", "#include <boot/door.hpp>\n")) == 1
    listed = rooms / "tests/book/exceptions.toml"
    listed.parent.mkdir(parents=True)
    listed.write_text('[shared]\n"boot/door.hpp" = { reason = "a parser" }\n')
    assert floors.check(rooms) == []


def test_a_labs_probe_stands_on_its_chapters_floor(rooms: Path) -> None:
    ours, above = "chapters/boot/lab/probe.cpp", "#include <domains/door.hpp>\n"
    assert plant(rooms, ours, "#include <boot/door.hpp>\n") == []
    assert plant(rooms, "chapters/domains/lab/probe.cpp", above) == []
    assert plant(rooms, ours, above) == [f"{ours}:2: a probe of boot may not include domains"]
