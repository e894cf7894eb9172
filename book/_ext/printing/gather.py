"""Gathers the book's HTML pages, in reading order, into the one document that is printed."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag

if TYPE_CHECKING:
    from pathlib import Path

FRONT = "index.html"
APPENDIX = "what-was-folded"


@dataclass
class Entry:
    """A line of the contents: a page by its file, or the caption of a part where it has none."""

    title: str
    file: str = ""
    level: int = 1


@dataclass
class Gathered:
    """The pages so far, and what was folded in them."""

    paper: BeautifulSoup
    pages: dict[str, Tag] = field(default_factory=dict)
    folds: list[Tag] = field(default_factory=list)


def contents(html: Path) -> list[Entry]:
    """Every page in reading order beneath the captions of the parts, as the sidebar has them."""
    tree = _read(html / FRONT).select_one(".sidebar-tree")
    entries = [Entry("About this book", FRONT)]
    for found in tree.select(".caption, a.reference"):
        if "caption" in found["class"]:
            entries.append(Entry(found.get_text(" ", strip=True)))
        elif not found["href"].startswith("#"):
            depth = next(c for c in found.find_parent("li")["class"] if c.startswith("toctree-l"))
            level = int(depth.removeprefix("toctree-l"))
            entries.append(Entry(found.get_text(" ", strip=True), found["href"], level))
    return entries


def gather(html: Path, title_page: str, styles: dict[str, str]) -> str:
    """All of the book as one HTML document, in which every link inside the book is an anchor."""
    entries = contents(html)
    book = Gathered(BeautifulSoup("<body></body>", "html.parser"))
    for entry in entries:
        if entry.file:
            book.pages[entry.file] = _page(html, entry.file, book)
    if book.folds:
        book.pages[APPENDIX] = _appendix(book)
        # The last part of the contents is the appendix already
        entries.append(Entry("What was folded", APPENDIX))
    for drawing in (svg for page in book.pages.values() for svg in page.find_all("svg")):
        drawing.insert(0, _tag(book.paper, "style", styles["drawings"]))
    parts = [title_page, _contents_page(entries), *map(str, book.pages.values())]
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Subfloor</title>'
            f"<style>{styles['print']}</style></head><body>{''.join(parts)}</body></html>")


def anchor(file: str, fragment: str = "") -> str:
    """The name in print of a page, or of a place on it: ids are unique on their own page only."""
    page = file.removesuffix(".html").replace("/", ".")
    return f"{page}..{fragment}" if fragment else page


def _read(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def _tag(paper: BeautifulSoup, name: str, text: str, **attributes: str) -> Tag:
    made = paper.new_tag(name, attrs={key.rstrip("_"): to for key, to in attributes.items()})
    made.string = text
    return made


def _page(html: Path, file: str, book: Gathered) -> Tag:
    """One page's article, with its own ids, its links turned inward and its folds taken out."""
    article = _read(html / file).select_one("article")
    for useless in article.select(".headerlink, .toctree-wrapper, .copybtn"):
        useless.decompose()
    for named in article.find_all(id=True):
        named["id"] = anchor(file, named["id"])
    article["id"] = anchor(file)
    _plain_heads(article)
    _turn_links(article, file, book)
    _take_folds_out(article, book)
    return article


def _plain_heads(article: Tag) -> None:
    """On paper a declaration's head is plain words, but for its name and the way to its home."""
    for part in article.select("dt.sig span:not(.sig-name), dt.sig a:not(.told)"):
        part.unwrap()


def _turn_links(article: Tag, file: str, book: Gathered) -> None:
    """Links inside the book lead to anchors; what leads out of it gets its address as a note."""
    for picture in article.find_all("img"):
        if ":" not in picture["src"]:
            picture["src"] = posixpath.join(posixpath.dirname(file), picture["src"])
    for link in article.find_all("a", href=True):
        address = link["href"]
        if ":" in address:
            if link.get_text() != address:
                link.insert_after(_tag(book.paper, "span", address, class_="address"))
            continue
        page, _, fragment = address.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(file), page)) if page else file
        link["href"] = "#" + anchor(there, fragment)


def _take_folds_out(article: Tag, book: Gathered) -> None:
    """Leave a reference where something was folded, and keep it for the appendix."""
    for fold in article.find_all("details"):
        number = len(book.folds) + 1
        summary = fold.find("summary").extract().get_text(" ", strip=True)
        section = fold.find_parent("section")
        heading = section.find(["h1", "h2", "h3"]).get_text(" ", strip=True)
        left = book.paper.new_tag("p", attrs={"class": "moved"})
        left.append(_tag(book.paper, "a", summary, href=f"#fold-{number}"))
        fold.replace_with(left)
        fold.name = "section"
        fold["id"] = f"fold-{number}"
        title = book.paper.new_tag("h2")
        title.append(f"{summary}: ")
        title.append(_tag(book.paper, "a", heading, href="#" + section["id"]))
        fold.insert(0, title)
        book.folds.append(fold)


def _appendix(book: Gathered) -> Tag:
    article = book.paper.new_tag("article", attrs={"id": APPENDIX})
    article.append(_tag(book.paper, "h1", "What was folded"))
    article.append(_tag(book.paper, "p", "On the screen these lie behind a word that unfolds them. "
                        "Here they wait until you have tried."))
    article.extend(book.folds)
    return article


def _contents_page(entries: list[Entry]) -> str:
    paper = BeautifulSoup("", "html.parser")
    nav = paper.new_tag("nav", attrs={"id": "contents"})
    nav.append(_tag(paper, "h1", "Contents"))
    for entry in entries:
        row = paper.new_tag("p", attrs={"class": f"level-{entry.level}" if entry.file else "part"})
        if entry.file:
            row.append(_tag(paper, "a", entry.title, href="#" + anchor(entry.file)))
        else:
            row.string = entry.title
        nav.append(row)
    return str(nav)
