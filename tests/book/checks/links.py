"""Links: every one inside the book leads to a page that is there, and to a place on it."""

from __future__ import annotations

import functools
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup


def check(html: Path) -> list[str]:
    """Every link, picture and script of the built pages that leads nowhere."""
    return [line for page in sorted(html.rglob("*.html")) for line in _dead_links(html, page)]


def _dead_links(html: Path, page: Path) -> list[str]:
    wrong = []
    for address in sorted(_read(page)[0]):
        file, _, fragment = address.partition("#")
        target = page.parent / unquote(file.partition("?")[0]) if file else page
        if target.is_dir():
            target /= "index.html"
        if not target.is_file() or (fragment and unquote(fragment) not in _read(target)[1]):
            wrong.append(f"{page.relative_to(html)}: {address} leads nowhere")
    return wrong


@functools.cache
def _read(page: Path) -> tuple[set[str], set[str]]:
    """Where a page leads inside the book, and the places on it."""
    if page.suffix != ".html":
        return set(), set()
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    addresses = {
        found[name]
        for name in ("href", "src")
        for found in soup.find_all(attrs={name: True})
        if ":" not in found[name] and found[name] != "#"
    }
    return addresses, {found["id"] for found in soup.find_all(id=True)}
