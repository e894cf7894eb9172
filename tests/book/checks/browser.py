"""The pages in a browser: complaints, requests, widths, and the rules of accessibility."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# Nothing is loaded beforehand: a page that was opened as a file may not read its own style sheets
RULES = {"runOnly": {"type": "tag", "values": LEVELS}, "resultTypes": ["violations"],
         "preload": False}
PHONE = (390, 844)
DESK = (1280, 800)

# What sticks out of the page on the right, by the innermost element
TOO_WIDE = """() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const wide = [...document.querySelectorAll('body *')]
        .filter(e => e.getBoundingClientRect().right > room + 1);
    const names = wide.filter(e => !wide.some(other => other !== e && e.contains(other)))
        .map(e => `${e.tagName.toLowerCase()}.${e.getAttribute('class') ?? ''}`);
    return names.length ? [...new Set(names)] : ['the document'];
}"""
# Unfolds what is folded. Of each kind of word in each kind of excerpt or declaration, one is as
# dark as another: the first stays, the rest become plain text, since the rules take a second for
# 500 elements.
PREPARE = """() => {
    document.querySelectorAll('details').forEach(fold => { fold.open = true; });
    const seen = new Set();
    for (const word of document.querySelectorAll('.highlight span, .sig span')) {
        const around = word.closest('.quote, .solution')?.className;
        const kind = [word.className, word.parentElement.className, around].join('|');
        if (seen.has(kind)) word.replaceWith(...word.childNodes);
        seen.add(kind);
    }
}"""


@dataclass
class Look:
    """One open page of the browser, and what it has complained of."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._on_request)
        self.page.on("requestfailed", lambda asked: self.wrong.append(f"not found: {asked.url}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _on_request(self, asked: Request) -> None:
        if not asked.url.startswith(("file:", "data:", "blob:")):
            self.wrong.append(f"not offline: {asked.url}")

    def at(self, file: Path) -> list[str]:
        """What is wrong with a page, on a phone by day and on a desk by night."""
        self.wrong.clear()
        for size, theme in ((PHONE, "light"), (DESK, "dark")):
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            self.page.emulate_media(color_scheme=theme)
            if size == PHONE:
                self.page.goto(file.as_uri())
                self.page.evaluate(PREPARE)
            where = f"{size[0]} px, {theme}"
            self.wrong += [f"{where}: {it} is too wide" for it in self.page.evaluate(TOO_WIDE)]
            self.wrong += [f"{where}: {fault}" for fault in _inaccessible(self.page)]
        return list(self.wrong)


def _inaccessible(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['target'][-1]}: "
        f"{node['any'][0]['message'] if node['any'] else rule['help']}"
        for rule in found
        for node in rule["nodes"]
    ]


@contextlib.contextmanager
def opened() -> Iterator[Look]:
    """A browser without a window, with one page open."""
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        try:
            yield Look(chromium.new_page())
        finally:
            chromium.close()


def search(look: Look, html: Path, words: str) -> list[str]:
    """The titles that the book's search finds."""
    look.wrong.clear()
    look.page.goto(f"{(html / 'search.html').as_uri()}?q={words}")
    look.page.wait_for_selector("#search-results .search-summary:not(:empty)")
    look.page.wait_for_function("Search.status.innerText !== '' && !Search._queued_query")
    return look.page.locator("#search-results li a").all_inner_texts()
