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
def pages() -> dict[str, BeautifulSoup]:
    """The page of each room, as the target `book` builds them."""
    files = (TOP / "build" / "book" / "html" / "api").glob("*.html")
    return {file.stem: BeautifulSoup(file.read_text(), "html.parser") for file in files}


@pytest.fixture(scope="module")
def declared() -> dict[str, list[Symbol]]:
    """What each header declares outside of its classes, as libclang reads it, not Doxygen."""
    flags = cxx.flags(HV)
    bare = [path for path in HEADERS.values() if path.parent.name != "hosted"]
    found = cxx.read_headers(bare, HV, flags)
    assert found, "libclang cannot read the headers together"
    found |= {path: cxx.read(path, HV, flags) for path in HEADERS.values() if path not in found}
    return {name: [symbol for symbol in found[path][0]
                   if not any(other.contains(symbol) for other in found[path][0])]
            for name, path in HEADERS.items()}


def section(pages: dict[str, BeautifulSoup], header: str) -> Tag:
    """What the page of its room says of a header."""
    room = header.partition("/")[0]
    assert room in pages, f"there is no book/api/{room}.md"
    titles = [title for title in pages[room].select("section.header > h2")
              if title.code.get_text() == header]
    assert len(titles) == 1, f"book/api/{room}.md has {len(titles)} sections for {header}"
    return titles[0].parent


def names(described: Tag) -> set[str]:
    """The names of all declarations there."""
    return {"".join(part.get_text() for part in head.select(".sig-prename, .sig-name"))
            for head in described.select("dt.sig")}


@pytest.mark.parametrize("header", HEADERS)
def test_all_that_a_header_declares_is_on_its_page(
    pages: dict[str, BeautifulSoup], declared: dict[str, list[Symbol]], header: str
) -> None:
    wanted = {symbol.name.removeprefix("hv::") for symbol in declared[header]}
    assert not wanted - names(section(pages, header))


@pytest.mark.parametrize("header", KIT)
def test_every_header_of_the_kit_opens_as_its_file_does(
    pages: dict[str, BeautifulSoup], header: str
) -> None:
    first = KIT[header].read_text().partition("\n")[0].removeprefix("// ")
    words = section(pages, header).find("p").get_text().replace("’", "'")
    assert first.replace("`", "").startswith(words[:40])


def test_members_stand_in_the_order_of_the_source_and_private_ones_do_not(
    pages: dict[str, BeautifulSoup]
) -> None:
    text = section(pages, "base/result.hpp").get_text()
    places = [text.index(word) for word in ("ok", "take", "value_or")]
    assert places == sorted(places) and "error_" not in text


def test_a_symbol_leads_to_its_home(pages: dict[str, BeautifulSoup]) -> None:
    head = next(head for head in section(pages, "base/types.hpp").select("dt.sig")
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
