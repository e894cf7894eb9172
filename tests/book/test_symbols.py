"""The index: every kind of symbol is found, with its extent, its signature and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from quoting import tree
from quoting.symbols import Index, QuoteError


@pytest.fixture
def index(house: Path) -> Index:
    """The fixture tree's index."""
    found, doubtful = tree.build(house / "hv")
    assert not doubtful
    return found


def test_every_kind_is_found(index: Index) -> None:
    kinds = {s.name: s.kind for s in index.symbols}
    assert kinds == {
        "FIXTURE_SIZE": "macro",
        "hv::Number": "alias",
        "hv::first_number": "variable",
        "hv::second_number": "variable",
        "hv::Colour": "enum",
        "hv::Countable": "concept",
        "hv::List": "class",
        "hv::List::List": "function",
        "hv::List::count": "function",
        "hv::List::Node": "class",
        "hv::List::longest": "function",
        "hv::add": "function",
        "hv::total": "function",
        "hv::helper": "function",
        "hv::Chapter": "enum",
        "start": "label",
        "switch_worlds": "label",
        ".text": "section",
        ".data": "section",
    }


def test_extents_hold_whole_declarations(index: Index) -> None:
    def text(name: str) -> list[str]:
        symbol = index.find_one(name)
        return index.lines(symbol.file)[symbol.first - 1 : symbol.last]

    assert text("hv::total")[0] == "template <Countable C>"
    assert text("hv::total")[-1] == "}"
    assert text("hv::List")[-1] == "};"
    assert text("start") == ["start:", "        cli", "1:      hlt", "        jmp 1b"]
    assert text(".data") == ["    .data : {", "        *(.data)", "    }"]
    assert text(".text") == ["    .text : { *(.text .text.*) }"]


def test_definition_stands_for_its_prototype(index: Index) -> None:
    assert index.find_one("hv::List::longest").file == "base/list.cpp"
    assert not [s for s in index.symbols if s.name == "hv::switch_worlds"]


def test_overloads_need_a_signature(index: Index) -> None:
    with pytest.raises(QuoteError, match=r"hv::add\(int\) @ base/list.cpp; hv::add\(long\)"):
        index.find("hv::add")
    assert index.find_one("hv::add( long )").signature == "(long)"
    assert len(index.find("hv::add(*)")) == 2


def test_twins_are_told_apart_by_file(house: Path) -> None:
    (house / "hv/boot/other.cpp").write_text(
        "// A twin.\nnamespace hv {\nnamespace {\nint helper(int value) { return value; }\n}\n}\n"
    )
    index, _ = tree.build(house / "hv")
    with pytest.raises(QuoteError, match="several"):
        index.find("hv::helper")
    assert index.find_one("hv::helper @ boot/other.cpp").first == 4


def test_unknown_name_gets_a_hint(index: Index) -> None:
    with pytest.raises(QuoteError, match=r"no symbol is called hv::longest .*hv::List::longest"):
        index.find("hv::longest")


def test_doubtful_file_is_named(house: Path) -> None:
    (house / "hv/base/list.cpp").write_text("#include <base/nowhere.hpp>\nint x;\n")
    _, doubtful = tree.build(house / "hv")
    assert len(doubtful) == 1 and "base/nowhere.hpp" in doubtful[0]


def test_cache_answers_until_the_text_changes(house: Path, tmp_path: Path, monkeypatch) -> None:
    cache = tmp_path / "cache"
    first, _ = tree.build(house / "hv", cache)
    kept = {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    again, _ = tree.build(house / "hv", cache)
    assert again.symbols == first.symbols
    assert kept == {path.name: path.stat().st_mtime_ns for path in cache.iterdir()}
    (house / "hv/boot/entry.S").write_text("// Empty.\nonly:\n        ret\n")
    changed, _ = tree.build(house / "hv", cache)
    assert {s.name for s in changed.symbols if s.kind == "label"} == {"only"}
    assert len(list(cache.iterdir())) == len(kept) + 1
