"""The checker of homes: the fixture's book is right, and each planted fault is found, alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from quoting import blank, complete_folders, digest, excerpt, fences, tree
from quoting.homes import Registry, register
from quoting.symbols import Index, QuoteError

PAGE = "book/one/index.md"
SHELF = "book/shelf/base.md"
Judge = Callable[..., Registry]


def kinds(registry: Registry) -> list[str]:
    return [fault.kind for fault in registry.faults]


def edit(house: Path, file: str, old: str, new: str) -> None:
    path = house / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def add(house: Path, text: str, file: str = PAGE) -> None:
    path = house / file
    path.write_text((path.read_text() if path.exists() else "# New\n") + text)


def test_fixture_has_no_fault(judge: Judge) -> None:
    registry = judge(complete=("base", "boot"))
    assert registry.faults == []
    assert registry.homeless() == []
    assert registry.quoted["one"] == 16 + 10 + 2 + 6


def test_homeless_are_counted_and_fail_only_where_complete(house: Path, judge: Judge) -> None:
    edit(house, SHELF, "hv::helper; ", "")
    assert kinds(judge()) == []
    assert [s.name for s in judge().homeless()] == ["hv::helper"]
    assert kinds(judge(complete=("boot",))) == []
    assert kinds(judge(complete=("base",))) == ["homeless"]


def test_pages_are_read_again_when_the_source_changed_or_a_home_moved(
    house: Path, judge: Judge
) -> None:
    before = digest(house / "hv", judge())
    add(house, "\nA word more.\n")
    assert digest(house / "hv", judge()) == before
    edit(house, SHELF, "hv::helper; ", "")
    add(house, "\n```{source} hv::helper\n```\n")
    moved = digest(house / "hv", judge())
    assert moved != before
    (house / "hv/base/more.hpp").write_text("// A word more.\n")
    assert digest(house / "hv", judge()) != moved


@pytest.mark.parametrize(
    "second",
    [
        "\nAgain.\n\n```{source} hv::add(int)\n```\n",
        "\n```{shelf}\nhv::add(int)\n: Once more.\n```\n",
    ],
)
def test_two_homes(house: Path, judge: Judge, second: str) -> None:
    add(house, second)
    assert kinds(judge()) == ["two homes"]


def test_two_homes_on_the_shelf(house: Path, judge: Judge) -> None:
    add(house, "\n```{shelf}\nhv::Colour\n: Once more.\n```\n", SHELF)
    assert kinds(judge()) == ["two homes"]


@pytest.mark.parametrize(
    "wrong",
    [
        "```{source} hv::nothing\n```\n",
        "```{source} hv::add\n```\n",
        "```{show-again} hv::nothing\n```\n",
        "```{show-again} hv::List::longest\n:step: No such step\n```\n",
        "```{shelf}\nhv::nothing\n: A sentence.\n```\n",
        "```{shelf}\nhv::nothing_*\n: A sentence.\n```\n",
    ],
)
def test_name_that_does_not_resolve(house: Path, judge: Judge, wrong: str) -> None:
    add(house, "\nSome prose.\n\n" + wrong)
    assert kinds(judge()) == ["unresolved"]


def test_step_that_does_not_exist(house: Path, judge: Judge) -> None:
    edit(house, PAGE, ":until: Nothing is shorter", ":until: Nothing is bluer")
    assert "unresolved" in kinds(judge())


def test_part_left_out(house: Path, judge: Judge) -> None:
    edit(house, PAGE, "```{source} hv::List::longest\n:from: Nothing is shorter\n```\n", "")
    assert kinds(judge()) == ["not whole"]


def test_parts_overlap(house: Path, judge: Judge) -> None:
    edit(house, PAGE, ":from: Nothing is shorter", ":from: Nothing is longer")
    assert kinds(judge()) == ["two homes"]


def test_long_quote(house: Path, judge: Judge) -> None:
    body = "".join(f"    value += {n};\n" for n in range(23))
    add(
        house,
        f"\nnamespace hv {{\nint long_one(int value) {{\n{body}    return value;\n}}\n}}\n",
        "hv/base/list.cpp",
    )
    add(house, "\nLong.\n\n```{source} hv::long_one\n```\n")
    assert kinds(judge()) == ["long quote"]


def test_quotes_without_prose_count_together(house: Path, judge: Judge) -> None:
    edit(house, PAGE, "\nThe second half holds it up.\n", "")
    assert kinds(judge()) == []
    edit(house, PAGE, "\nIt says how long it can be. The first half holds it down.\n", "")
    assert kinds(judge()) == ["long quote"]


def test_long_path(house: Path, judge: Judge) -> None:
    rows = "".join(f"int f{n}() {{\n" + "    ;\n" * 18 + "}\n" for n in range(36))
    add(house, f"\nnamespace hv {{\n{rows}}}\n", "hv/base/list.cpp")
    add(house, "".join(f"\nProse.\n\n```{{source}} hv::f{n}\n```\n" for n in range(36)))
    assert kinds(judge()) == ["long path"]


def test_shelf_without_a_sentence(house: Path, judge: Judge) -> None:
    edit(house, SHELF, ": Counts things. Read it when a count surprises you.\n", "")
    edit(house, SHELF, "hv::*_number\n\n", "hv::*_number\n: \n")
    assert kinds(judge()) == ["no sentence"]


def test_shown_again_without_a_home(house: Path, judge: Judge) -> None:
    edit(house, SHELF, "hv::helper; ", "")
    add(house, "\nProse.\n\n```{show-again} hv::helper\n```\n")
    assert kinds(judge()) == ["unresolved"]


def test_shelf_takes_the_rest_of_a_room(house: Path, judge: Judge) -> None:
    edit(
        house,
        SHELF,
        "hv::helper; hv::total; .text; .data",
        "hv::total; * @ boot/image.ld; hv::helper",
    )
    assert judge(complete=("base", "boot")).faults == []
    edit(house, SHELF, "* @ boot/image.ld", "* @ boot/nowhere.ld")
    assert kinds(judge()) == ["unresolved"]


def test_a_room_leaves_the_members_of_a_class_to_the_page_that_tells_it(
    house: Path, judge: Judge
) -> None:
    before = judge().quoted["one"]
    add(house, "\n```{shelf}\n* @ base/list.hpp\n: The whole room.\n```\n", SHELF)
    assert judge().faults == []
    assert judge().quoted["one"] == before


def test_exercises_are_not_on_the_path(house: Path, judge: Judge) -> None:
    add(house, "word " * 20_000, "book/one/exercises.md")
    assert judge().faults == []
    add(house, "word " * 20_000)
    assert kinds(judge()) == ["long path"]


def test_shelf_takes_the_rest_of_a_class(house: Path, judge: Judge) -> None:
    source = "hv::List::longest\n:from: Nothing is shorter\n```"
    page = (house / PAGE).read_text()
    first, second = page.index("It says how long"), page.index(source) + len(source)
    (house / PAGE).write_text(page[:first] + page[second:])
    assert [s.name for s in judge().homeless()] == ["hv::List::longest"]
    add(house, "\n```{shelf}\nhv::List::*\n: The rest of the list.\n```\n", SHELF)
    assert judge(complete=("base",)).faults == []


def test_voice_is_short_and_seldom(house: Path, judge: Judge) -> None:
    add(house, "\n```{voice}\n" + "I said 7 words. " * 40 + "\n```\n")
    assert kinds(judge()) == ["long voice"]
    add(house, "\n```{voice}\nI say nothing.\n```\n", "book/one/other.md")
    assert kinds(judge()) == ["long voice", "empty voice"]
    (house / "book/one/other.md").unlink()
    add(house, "\n```{voice}\nI said 7.\n```\n" * 4)
    assert kinds(judge()) == ["long voice", "many voices"]


def test_class_is_told_as_a_skeleton(house: Path, judge: Judge) -> None:
    add(
        house,
        "\nIts count.\n\n```{source} hv::List::count\n```\n\nIts node.\n\n"
        "```{source} hv::List::Node\n```\n",
    )
    registry = judge()
    assert registry.faults == []
    shown = registry.excerpt(registry.homes[registry.index.find_one("hv::List")][0]).lines
    assert "    int count() const { /* … */ }" in shown
    assert "    struct Node { /* … */ };" in shown
    assert "        int value;" not in shown


def test_step_ends_where_the_next_begins(judge: Judge) -> None:
    index = judge().index
    shown = excerpt.step(index, index.find_one("hv::List::longest"), "Nothing is longer")
    assert list(shown.lines) == [
        "// Nothing is longer than the list.",
        "if (limit > size_) {",
        "    limit = size_;",
        "}",
    ]


def test_blank_leaves_the_rest_alone(house: Path) -> None:
    index, _ = tree.build(house / "hv")
    changed = blank.blank(
        index, {"hv::List::longest": "// Your turn.\nreturn 0;", "hv::add(int)": ""}
    )
    text = changed["base/list.cpp"]
    assert "int List::longest(int limit) const {\n    // Your turn.\n    return 0;\n}\n" in text
    assert "int add(int value) {\n}" in text or "int add(int value) {}" in text
    assert "int helper(int value) { return value + 1; }" in text
    with pytest.raises(QuoteError, match="without a body"):
        blank.blank(index, {"hv::Colour": ""})


def test_the_book_has_no_fault(top: Path, real: tuple[Index, list[str]]) -> None:
    index, doubtful = real
    registry = register(index, fences.read_book(top / "book"), complete_folders(top / "book"))
    left = registry.homeless()
    print(f"{len(left)} of {len(index.symbols)} symbols have no home yet", *left[:20], sep="\n")
    assert [str(fault) for fault in registry.faults] == []
    assert doubtful == []
