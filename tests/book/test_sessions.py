"""Sessions: run once for each state of the source, cut into parts, and loud when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import sessions
from quoting.symbols import QuoteError

SCRIPT = """# Says where it runs.
import sys

print('== first')
print(sys.argv[1])
print('== last')
print(2)
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with one session."""
    (tmp_path / "book" / "runs").mkdir(parents=True)
    (tmp_path / "book" / "runs" / "where.py").write_text(SCRIPT)
    return tmp_path / "book"


def test_it_is_told_where_it_runs(book: Path) -> None:
    text = sessions.transcript(book, "where", "hosted")
    assert sessions.part_of(text, "first") == "hosted"
    assert sessions.part_of(text, "last") == "2"
    assert sessions.part_of(text, "") == "hosted\n2"


def test_it_is_kept_until_it_changes(book: Path) -> None:
    script = book / "runs" / "where.py"
    first = sessions.transcript(book, "where", "svm")
    kept = book.parent / "build" / "book" / "sessions" / "where-svm"
    kept.write_text(kept.read_text().replace("svm", "as it was"))
    sessions.transcript.cache_clear()
    assert sessions.transcript(book, "where", "svm") == first.replace("svm", "as it was")
    script.write_text(SCRIPT + "print(3)\n")
    sessions.transcript.cache_clear()
    assert sessions.transcript(book, "where", "svm") == first + "3\n"


@pytest.mark.parametrize("name, place", [("nowhere", "hosted"), ("where", "the moon")])
def test_what_is_not_there_is_refused(book: Path, name: str, place: str) -> None:
    with pytest.raises(QuoteError, match="no session"):
        sessions.transcript(book, name, place)


@pytest.mark.parametrize("line", ["raise SystemExit('it broke')", "pass"])
def test_a_session_that_fails_or_says_nothing(book: Path, line: str) -> None:
    (book / "runs" / "where.py").write_text(f"{line}\n")
    with pytest.raises(QuoteError, match="where.py failed on vmx"):
        sessions.transcript(book, "where", "vmx")
    assert not (book.parent / "build" / "book" / "sessions" / "where-vmx").exists()


def test_a_part_that_was_not_printed() -> None:
    with pytest.raises(QuoteError, match="no part called 'middle'"):
        sessions.part_of("== first\n1\n", "middle")
