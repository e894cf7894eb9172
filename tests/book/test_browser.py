"""The book in a browser: each page as Chromium shows it, and planted faults that it must find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from checks import browser, links

ONE_OF_EACH_KIND = (
    "index.html", "preface/house.html", "boot/entry.html", "boot/cheatsheet.html",
    "domains/exercises.html", "grants/lingering.html", "notebooks/tour.html",
    "beside-xen/figures.html",
    "shelf/base.html", "glossary.html", "api/base.html", "genindex.html",
    "search.html")
FAULTY = """<!doctype html><html lang="en"><head><title>Faults</title></head><body><main>
<h1>Faults</h1><p style="color: #bbb; background: #fff">faint</p>
<img src="absent.png"><p style="width: 1500px">wide</p>
<a href="absent.html">page</a> <a href="#absent">place</a>
<pre style="width: 90px; overflow: auto">a long line that has to be scrolled sideways</pre>
<script>console.error("complained"); fetch("http://127.0.0.1:9/far").catch(() => 0);</script>
</main></body></html>"""


@pytest.fixture(scope="module")
def look() -> Iterator[browser.Look]:
    """One browser for all pages."""
    with browser.opened() as opened:
        yield opened


@pytest.fixture
def html(top: Path) -> Path:
    """The pages, which the target `book` builds."""
    found = top / "build" / "book" / "html"
    assert (found / "index.html").exists(), "build first: cmake --build build --target book"
    return found


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A page on which everything is wrong."""
    page = tmp_path / "faulty.html"
    page.write_text(FAULTY)
    return page


@pytest.mark.parametrize("fault", [
    "not found: file:", "not offline: http://127.0.0.1:9/far", "console: complained",
    "390 px, light: p. is too wide", "1280 px, dark: p. is too wide", "color-contrast: p",
    "image-alt: img", "scrollable-region-focusable: pre"])
def test_planted_fault_is_found(faulty: Path, look: browser.Look, fault: str) -> None:
    assert any(fault in line for line in look.at(faulty))


def test_dead_links_are_found(faulty: Path) -> None:
    wrong = links.check(faulty.parent)
    assert wrong == [f"faulty.html: {address} leads nowhere"
                     for address in ("#absent", "absent.html", "absent.png")]


@pytest.mark.parametrize("page", ONE_OF_EACH_KIND)
def test_one_page_of_each_kind_is_clean(html: Path, look: browser.Look, page: str) -> None:
    wrong = look.at(html / page)
    assert not wrong, "\n".join(wrong)


@pytest.mark.long
def test_every_page_is_clean(html: Path, look: browser.Look) -> None:
    wrong = [f"{page.relative_to(html)}: {fault}"
             for page in sorted(html.rglob("*.html")) for fault in look.at(page)]
    assert not wrong, "\n".join(wrong)


def test_every_link_leads_somewhere(html: Path) -> None:
    wrong = links.check(html)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("words", "found"), [
    ("nested tables", "Glossary"), ("DomainRef", "hv::DomainRef"), ("shut_down", "kit::shut_down")])
def test_search_finds_pages_and_symbols(
    html: Path, look: browser.Look, words: str, found: str
) -> None:
    assert found in browser.search(look, html, words)
    assert not look.wrong
