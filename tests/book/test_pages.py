"""The pages as Sphinx makes them: the fixture's book builds, and a planted fault stops it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CONF = """
import sys
sys.path.insert(0, {ext!r})
project = "House"
extensions = ["myst_parser", "quoting"]
"""
INDEX = """
# House

```{toctree}
one/index
shelf/base
shelf/homeless
```
"""
HOMELESS = """
# Homeless

```{homeless}
```
"""
MORE = """
Once more: {sym}`~hv::List::longest` and {sym}`hv::Number`.

```{show-again} hv::List::longest
:step: Nothing is longer
```

```{run} count
```

```{voice}
I counted to {ran}`count/counted`.
```
"""
COUNT = """// Counts as far as it goes.
#include <cstdio>
int main() { std::puts("counted: 1234"); }
"""


@pytest.fixture
def book(house: Path, top: Path) -> Path:
    """The fixture's book, ready for Sphinx."""
    found = house / "book"
    (found / "conf.py").write_text(CONF.format(ext=str(top / "book" / "_ext")))
    (found / "homes.toml").write_text('complete = ["base", "boot"]\n')
    (found / "index.md").write_text(INDEX)
    (found / "shelf" / "homeless.md").write_text(HOMELESS)
    (found / "runs").mkdir()
    (found / "runs" / "count.cpp").write_text(COUNT)
    page = found / "one" / "index.md"
    page.write_text(page.read_text() + MORE)
    return found


def build(book: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-nW", "--keep-going", "-q", "-b", "html"]
    return subprocess.run(
        [*command, str(book), str(book.parent / "out" / "html")], capture_output=True, text=True
    )


def test_book_builds_strictly(book: Path) -> None:
    result = build(book)
    assert result.returncode == 0, result.stderr
    page = (book.parent / "out/html/one/index.html").read_text()
    shelf = (book.parent / "out/html/shelf/base.html").read_text()
    assert 'class="quote quote-again' in page
    assert page.count('href="#hv-list-longest-') == 2, "the role and the grey excerpt link home"
    assert page.count('id="hv-list-longest-') == 1
    assert 'href="../shelf/base.html#hv-number-' in page
    assert "I counted to <span>1,234</span>" in page
    assert "in one sentence." in shelf
    assert "0 of 20 symbols" in (book.parent / "out/html/shelf/homeless.html").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("```{source} hv::nothing\n```", "no symbol is called hv::nothing"),
        ("{sym}`hv::nothing`", "no symbol is called hv::nothing"),
        ("```{source} hv::add(int)\n```", "told already"),
        ("```{voice}\nI say {ran}`count/nothing`.\n```", "no run above printed"),
        ("```{run} nothing\n```", "does not compile"),
    ],
)
def test_planted_fault_stops_the_book(book: Path, text: str, says: str) -> None:
    page = book / "one" / "index.md"
    page.write_text(f"{page.read_text()}\nMore.\n\n{text}\n")
    result = build(book)
    assert result.returncode != 0
    assert says in result.stderr


def test_symbol_without_a_home_stops_a_complete_folder(book: Path) -> None:
    file = book.parent / "hv" / "base" / "list.cpp"
    file.write_text(file.read_text() + "\nint orphan() { return 1; }\n")
    result = build(book)
    assert result.returncode != 0
    assert "orphan() has no home" in result.stderr
