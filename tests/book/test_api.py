"""The API's pages: all that a header declares stands on its room's page, and leads to its home."""

from __future__ import annotations

from pathlib import Path

import pytest
from api import doxygen
from bs4 import BeautifulSoup, Tag
from quoting import cxx
from quoting.symbols import Symbol

TOP = Path(__file__).parents[2]
HV = TOP / "hv"
HEADERS = {name: path for room in sorted(HV.iterdir()) if room.is_dir()
           for name, path in doxygen.headers(room).items()}
KIT = doxygen.headers(TOP / "chapters" / "kit")


@pytest.fixture(scope="module")
def sections() -> dict[str, Tag]:
    """What the rooms' pages say of each header, as the target `book` builds them."""
    found: dict[str, Tag] = {}
    for file in sorted((TOP / "build" / "book" / "html" / "api").glob("*.html")):
        page = BeautifulSoup(file.read_text(), "html.parser")
        for section in page.find_all("section", class_="header"):
            header = section.h2.code.get_text()
            assert header not in found, f"{header} is on two pages"
            found[header] = section
    return found


@pytest.fixture(scope="module")
def declared() -> dict[str, list[Symbol]]:
    """What each header declares outside of its classes, as libclang reads it, not Doxygen."""
    flags = cxx.flags(HV)
    bare = [path for path in HEADERS.values() if path.parent.name != "hosted"]
    found = cxx.read_headers(bare, HV, flags)
    assert found, "libclang cannot read the headers together"
    found |= {path: cxx.read(path, HV, flags) for path in HEADERS.values() if path not in found}
    classes = {symbol.name for content in found.values() for symbol in content[0]
               if symbol.kind == "class"}
    return {name: [symbol for symbol in found[path][0]
                   if symbol.name.rpartition("::")[0] not in classes]
            for name, path in HEADERS.items()}


def names(described: Tag) -> set[str]:
    """The names of all declarations there, as they are shown."""
    found = set()
    for head in described.find_all("dt", class_="sig"):
        space = head.find(class_="sig-prename")
        name = head.find_all(class_="sig-name")[-1].get_text()  # a template's parameters come first
        found.add(space.get_text() + name if space else name)
    return found


@pytest.mark.parametrize("header", HEADERS)
def test_all_that_a_header_declares_is_on_its_page(
    sections: dict[str, Tag], declared: dict[str, list[Symbol]], header: str
) -> None:
    assert header in sections, f"no page of book/api/ lists {header}"
    wanted = {symbol.name.removeprefix("hv::") for symbol in declared[header]}
    assert not wanted - names(sections[header])


@pytest.mark.parametrize("header", KIT)
def test_every_header_of_the_kit_opens_as_its_file_does(
    sections: dict[str, Tag], header: str
) -> None:
    first = KIT[header].read_text().partition("\n")[0].removeprefix("// ")
    words = sections[header].find("p").get_text().replace("’", "'")
    assert first.replace("`", "").startswith(words[:40])


def test_members_stand_in_the_order_of_the_source_and_private_ones_do_not(
    sections: dict[str, Tag]
) -> None:
    text = sections["base/result.hpp"].get_text()
    places = [text.index(word) for word in ("ok", "take", "value_or")]
    assert places == sorted(places) and "error_" not in text


def test_a_symbol_leads_to_its_home(sections: dict[str, Tag]) -> None:
    head = next(head for head in sections["base/types.hpp"].select("dt.sig")
                if head.select_one(".sig-name").get_text() == "fits")
    assert head.select_one("a.told")["href"].startswith("../shelf/base.html#hv-fits-")


def test_headers_are_read_anew_when_one_changes(tmp_path: Path) -> None:
    kit, room = tmp_path / "chapters" / "kit", tmp_path / "hv" / "base"
    for folder in (kit, room):
        folder.mkdir(parents=True)
    header = room / "one.hpp"
    kept = tmp_path / "out" / "xml" / "index.xml"
    header.write_text("/// Words.\nstruct First {};\n")
    doxygen.run(tmp_path, tmp_path / "out")
    before = kept.stat().st_mtime_ns
    doxygen.run(tmp_path, tmp_path / "out")
    assert kept.stat().st_mtime_ns == before and "First" in kept.read_text()
    header.write_text("/// Words.\nstruct Second {};\n")
    doxygen.run(tmp_path, tmp_path / "out")
    assert "Second" in kept.read_text()
