"""Transcripts of Python sessions of `runs/`: made on some tier, kept until the source changes."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import directives
from quoting.symbols import QuoteError
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PLACES = {"hosted": "hosted, T0", "svm": "SVM in QEMU, T1", "vmx": "VMX in Bochs, T1",
          "xen": "real Xen, not Subfloor; SVM in QEMU, T1"}
"""Where a session can run, by the word that it is handed, and what a reader is told."""
LONGEST = 1200.0
"""Seconds that a session may take on the reference machine."""
PART = "== "
"""Begins a line that names the part of the transcript after it."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the directive."""
    app.add_directive("session", Session)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@functools.cache
def source(top: Path, place: str) -> bytes:
    """A hash of everything that a session's output follows from, but for its own script."""
    found = hashlib.sha256()
    for folder in ("pyhv",) if place == "xen" else ("hv", "chapters", "pyhv"):
        for path in sorted((top / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found.update(str(path.relative_to(top)).encode() + path.read_bytes())
    return found.digest()


@functools.cache
def transcript(book: Path, name: str, place: str) -> str:
    """What `runs/name.py` prints there, as things are now: it is run again when they changed."""
    script = book / "runs" / f"{name}.py"
    if place not in PLACES or not script.is_file():
        raise QuoteError(f"no session runs/{name}.py can run on '{place}'")
    today = hashlib.sha256(source(book.parent, place) + script.read_bytes()).hexdigest()
    kept = book.parent / "build" / "book" / "sessions" / f"{name}-{place}"
    if kept.is_file():
        digest, _, text = kept.read_text(encoding="utf-8").partition("\n")
        if digest == today:
            return text
    text = _run(book.parent, script, place)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(f"{today}\n{text}", encoding="utf-8")
    return text


def _run(top: Path, script: Path, place: str) -> str:
    tooling = str(top / "pyhv" / "src")
    if tooling not in sys.path:
        sys.path.insert(0, tooling)
    from pyhv import notebooks, speed

    try:
        done = subprocess.run(
            [sys.executable, str(script), place],
            cwd=top, env=notebooks.environment(), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=speed.scaled(LONGEST), check=False,
        )
    except subprocess.TimeoutExpired:
        raise QuoteError(f"runs/{script.name} on {place} did not end") from None
    if done.returncode or not done.stdout:
        raise QuoteError(f"runs/{script.name} failed on {place}: {done.stderr.strip()[-400:]}")
    return done.stdout


def part_of(text: str, name: str) -> str:
    """A part of a transcript, by the name that its session printed above it; "" is all of it."""
    if not name:
        return "\n".join(row for row in text.splitlines() if not row.startswith(PART)).strip("\n")
    rows: list[str] | None = None
    for row in text.splitlines():
        if row.startswith(PART):
            if rows is not None:
                break
            rows = [] if row.removeprefix(PART) == name else None
        elif rows is not None:
            rows.append(row)
    if not rows:
        raise QuoteError(f"the session printed no part called '{name}'")
    return "\n".join(rows).strip("\n")


class Session(SphinxDirective):
    """`{session} name` with `:on:` a place and perhaps `:part:` a name: what was printed there."""

    required_arguments = 1
    option_spec = {"on": directives.unchanged_required, "part": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Show it, and remember all of it for `{ran}`."""
        book, name = Path(self.env.srcdir), self.arguments[0]
        place = self.options.get("on", "hosted")
        self.env.note_dependency(str(book / "runs" / f"{name}.py"))
        try:
            text = transcript(book, name, place)
            shown = part_of(text, self.options.get("part", ""))
        except QuoteError as error:
            return [self.state.document.reporter.error(str(error), line=self.lineno)]
        self.env.temp_data.setdefault("runs", {})[name] = text
        box = nodes.container(classes=["quote", "run"])
        caption = nodes.paragraph(classes=["quote-caption"])
        caption += nodes.literal("", f"book/runs/{name}.py")
        caption += nodes.inline("", f"as it ran for this edition: {PLACES[place]}",
                                classes=["quote-place"])
        box += caption
        box += nodes.literal_block(shown, shown, language="text")
        return [box]
