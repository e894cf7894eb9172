"""Sizes: the house keeps its promises, and each planted excess is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import sizes
from quoting import tree
from quoting.house import code_lines
from quoting.symbols import Index


def test_the_house_stays_small(top: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("", *(part.sentence() for part in sizes.parts(top)), sep="\n")
    assert sizes.check_totals(top) == []


def test_files_stay_short(top: Path) -> None:
    assert sizes.check_lengths(top) == []


def test_lines_stay_narrow(top: Path) -> None:
    wrong = sizes.check_widths(top)
    assert not wrong, "\n".join(wrong)


def test_functions_are_one_idea(top: Path, real: tuple[Index, list[str]], record_property) -> None:
    long = sizes.functions(real[0], sizes.USUAL_FUNCTION)
    record_property("functions over 40 lines", len(long))
    print(*(f"{lines} lines: {name} ({where})" for lines, name, where in long), sep="\n")
    assert sizes.check_functions(top, real[0]) == []


def test_fixture_has_no_fault(house: Path) -> None:
    assert sizes.check(house) == []


def test_long_file(house: Path) -> None:
    (house / "hv/base/long.cpp").write_text("// Long.\n" * 401)
    assert sizes.check(house) == ["hv/base/long.cpp: 401 lines, at most 400"]


def test_wide_line(house: Path) -> None:
    (house / "hv/base/wide.cpp").write_text("// Wide.\n// " + "x" * 98 + "\n")
    assert sizes.check(house) == ["hv/base/wide.cpp: wider than 100 columns in line 2"]


def _promise(house: Path, lines: int) -> None:
    listed = house / "tests/book/exceptions.toml"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(f'[totals]\nhypervisor = {{ folders = ["hv"], promise = {lines} }}\n')


def test_house_outgrown(house: Path) -> None:
    lines = sizes.total(house, ("hv",))
    _promise(house, 20)
    assert sizes.check(house) == [
        f"hv: {lines} lines of code, promised 20, so {lines - 20} too many"
    ]
    _promise(house, lines)
    assert sizes.check(house) == []
    _promise(house, lines + 5)
    assert sizes.parts(house)[0].sentence().endswith("so 5 are left")


def test_every_room_has_its_share(top: Path) -> None:
    """No folder of the hypervisor is without a number of its own."""
    rooms = {part.folders[0] for part in sizes.parts(top)}
    assert rooms >= {f"hv/{d.name}" for d in (top / "hv").iterdir() if any(d.glob("*.*pp"))}


def test_comments_and_blanks_are_no_code(tmp_path: Path) -> None:
    path = tmp_path / "a.cpp"
    path.write_text("// One.\n\n/* Two\n   lines. */\nint x;  // Code.\n")
    assert code_lines(path) == 1


def test_long_function(house: Path) -> None:
    body = "    ;\n" * 60
    (house / "hv/base/long.cpp").write_text(
        f"// Long.\nnamespace hv {{\nvoid long_one() {{\n{body}}}\n}}\n"
    )
    index, _ = tree.build(house / "hv")
    assert len(sizes.check_functions(house, index)) == 1
    listed = house / "tests/book/exceptions.toml"
    listed.parent.mkdir(parents=True)
    listed.write_text('[functions]\n"hv::long_one" = { lines = 70, reason = "a table" }\n')
    assert sizes.check_functions(house, index) == []


def test_exception_that_is_not_needed(house: Path) -> None:
    listed = house / "tests/book/exceptions.toml"
    listed.parent.mkdir(parents=True)
    listed.write_text('[files]\n"hv/base/list.cpp" = { lines = 500, reason = "none" }\n')
    assert sizes.check(house) == ["hv/base/list.cpp is an exception that is not needed"]
