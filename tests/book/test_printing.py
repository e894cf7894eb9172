"""The book in print: a small one, gathered and set, and the pages of the real one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from bs4 import BeautifulSoup
from printing.__main__ import edition, set_on_paper, title_page
from printing.gather import contents, gather

PAGE = """<body><div class="sidebar-tree"><p class="caption">The chapters</p><ul>
<li class="toctree-l1"><a class="reference" href="one/a.html">First</a></li>
<li class="toctree-l1"><a class="reference" href="b.html">Second</a></li></ul></div>
<article id="page"><section id="s"><h1>{title}</h1>{text}</section></article></body>"""
FIRST = """<p><a href="../b.html#s">onward</a> and <a href="https://example.org/far">out</a></p>
<details><summary>Solution</summary><p>Forty-two.</p></details>"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A book of three pages, as Sphinx would leave it."""
    (tmp_path / "one").mkdir()
    for name, title, text in (("index", "Front", ""), ("one/a", "First", FIRST),
                              ("b", "Second", "<p>The end.</p>")):
        (tmp_path / f"{name}.html").write_text(PAGE.format(title=title, text=text))
    return tmp_path


def printed(book: Path, top: Path) -> tuple[list[str], list[str]]:
    """The text of each page, and what was wrong."""
    style = (top / "book/_static/print.css").read_text()
    document = gather(book, title_page(top), {"print": style, "drawings": ""})
    wrong = set_on_paper(document, book, book / "out.pdf")
    pages = pdfium.PdfDocument(book / "out.pdf")
    return [page.get_textpage().get_text_bounded() for page in pages], wrong


def test_a_book_is_set_with_pages_notes_and_an_appendix(small: Path, top: Path) -> None:
    pages, wrong = printed(small, top)
    assert not wrong
    title, listed, _front, first, second, folded = pages
    assert "Edition" in title
    assert "First" in listed and "4" in listed.split("First")[1].split("\n")[0]
    assert "onward (page 5)" in first and "https://example.org/far" in first
    assert "Solution (page 6)" in first and "Forty-two" not in first
    assert "The end." in second
    assert "Solution: First (page 4)" in folded and "Forty-two." in folded


def test_a_link_to_nowhere_is_told(small: Path, top: Path) -> None:
    page = small / "b.html"
    page.write_text(page.read_text().replace("The end.", '<a href="#none">The end.</a>'))
    assert any("b..none" in line for line in printed(small, top)[1])


@pytest.fixture(scope="module")
def real_pdf(top: Path) -> Iterator[pdfium.PdfDocument]:
    """The real book, which the target `book` prints."""
    with pdfium.PdfDocument(top / "build" / "book" / "subfloor.pdf") as pdf:
        yield pdf


def test_every_page_of_the_book_is_in_print_in_reading_order(
    real_pdf: pdfium.PdfDocument, top: Path
) -> None:
    html = top / "build" / "book" / "html"
    titles = [
        BeautifulSoup((html / entry.file).read_text(), "html.parser").select_one("article h1")
        for entry in contents(html) if entry.file
    ]
    chapters = [mark.get_title() for mark in real_pdf.get_toc() if mark.level == 0]
    wanted = [title.find(string=True).strip() for title in titles if title]
    assert [title for title in chapters if title in wanted] == wanted
    assert len(real_pdf) > len(wanted)


def test_title_page_carries_edition_and_commit(
    real_pdf: pdfium.PdfDocument, top: Path
) -> None:
    version = edition(top).split("<br>")[0]
    text = real_pdf[0].get_textpage().get_text_bounded()
    assert version in text and "commit" in text


def test_a_cheatsheet_is_one_page(real_pdf: pdfium.PdfDocument) -> None:
    marks = [(mark.get_title(), mark.get_dest().get_index())
             for mark in real_pdf.get_toc() if mark.level == 0]
    pages = {title: then - page for (title, page), (_, then) in pairwise(marks)
             if title.startswith("Cheatsheet: ")}
    assert len(pages) >= 4
    assert set(pages.values()) == {1}, pages


def test_nothing_runs_off_a_page(real_pdf: pdfium.PdfDocument) -> None:
    margin = 45  # points: the style sheet leaves 19 mm, and a footnote's mark a little less
    for number, page in enumerate(real_pdf, 1):
        # A drawing inside has measures of its own
        for thing in page.get_objects([pdfium.raw.FPDF_PAGEOBJ_TEXT], max_depth=1):
            left, _, right, _ = thing.get_bounds()
            assert left >= margin and right <= page.get_width() - margin, f"page {number}"
