"""State: nothing changes outside `Machine` and `Cpu`, and each planted variable is found."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from checks import state
from quoting import tree
from quoting.symbols import Index

IMAGE = "build/hv.elf"


def test_the_source_has_no_loose_state(top: Path, real: tuple[Index, list[str]]) -> None:
    wrong = state.check(top, real[0])
    assert not wrong, "\n".join(wrong)


def test_the_image_has_no_loose_state(top: Path, real: tuple[Index, list[str]]) -> None:
    image = top / IMAGE
    if not image.is_file():
        pytest.skip(f"{IMAGE} has not been built")
    wrong = state.check_image(top, image)
    assert not wrong, "\n".join(wrong)
    assert state.unused(top, real[0], image) == []


def plant(house: Path, text: str) -> list[str]:
    (house / "hv/base/loose.cpp").write_text(f"// Planted.\n{text}\n")
    index, doubtful = tree.build(house / "hv")
    assert not doubtful
    return state.check(house, index)


def test_fixture_has_no_fault(house: Path) -> None:
    assert plant(house, "") == []


@pytest.mark.parametrize(
    "text",
    [
        "int loose = 3;",
        "namespace hv { namespace { int loose; } }",
        "namespace hv { int* const* loose; }",
        "namespace hv { thread_local int loose; }",
        "namespace hv { struct S { static int loose; }; int S::loose = 1; }",
        "namespace hv { int f() { static int loose = 0; return ++loose; } }",
        "namespace hv { template <class T> T f() { static T loose; return loose; } }",
        "namespace hv { struct S { int f() { static int loose; return loose; } }; }",
        "namespace hv { const char* loose[] = {nullptr}; }",
    ],
)
def test_variable_that_can_change(house: Path, text: str) -> None:
    wrong = plant(house, text)
    assert wrong and all("loose" in line for line in wrong)


@pytest.mark.parametrize(
    "text",
    [
        "constexpr int fixed = 3;",
        "namespace hv { using Row = const int; constexpr Row fixed[2] = {1, 2}; }",
        "namespace hv { constexpr const char* fixed[] = {nullptr}; }",
        "namespace hv { int f() { static constexpr int fixed[] = {1}; return fixed[0]; } }",
        "namespace hv { struct S { static constexpr int fixed = 1; int own = 0; }; }",
    ],
)
def test_variable_that_cannot(house: Path, text: str) -> None:
    assert plant(house, text) == []


def link(folder: Path, text: str) -> Path:
    """Compile and link a little image, without any library."""
    (folder / "image.cpp").write_text(text)
    subprocess.run(
        [
            "g++",
            "-O1",
            "-nostdlib",
            "-static",
            "-ffreestanding",
            "-fno-use-cxa-atexit",
            "-Wl,-e,start",
            "-o",
            folder / "image",
            folder / "image.cpp",
        ],
        check=True,
    )
    return folder / "image"


FINE = """
extern const int table[];
const int table[] = {1, 2};
extern "C" int start() { return table[1]; }
"""
GUARDED = """
extern "C" int __cxa_guard_acquire(long*) { return 1; }
extern "C" void __cxa_guard_release(long*) {}
int make() { return 3; }
extern "C" int touch() { static int loose = make(); return ++loose; }
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('int loose; extern "C" int touch() { return ++loose; }', "loose"),
        ('int loose = 3; extern "C" int touch() { return ++loose; }', "loose"),
        ("int make(); int loose = make(); int make() { return 3; }", "initialised"),
        (GUARDED, "guard"),
    ],
)
def test_image_with_loose_state(tmp_path: Path, text: str, says: str) -> None:
    wrong = state.check_image(tmp_path, link(tmp_path, FINE + text))
    assert any(says in line for line in wrong)


def test_image_without(tmp_path: Path) -> None:
    assert state.check_image(tmp_path, link(tmp_path, FINE)) == []
