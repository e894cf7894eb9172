"""Runs small programs over the hosted source while the book is built, and shows what they print."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective, SphinxRole

from . import cxx
from .symbols import QuoteError


@functools.cache
def output(book: Path, name: str, sources: tuple[str, ...]) -> str:
    """What `runs/name.cpp`, compiled with some rooms of `hv/`, prints."""
    root = book.parent / "hv"
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, name)
        make_headers(root, Path(folder))
        compiled = subprocess.run(
            [
                "g++",
                "-std=gnu++20",
                "-O1",
                # Of a room, only what the program asks for must find all that it asks for itself
                "-ffunction-sections",
                "-Wl,--gc-sections",
                f"-I{root}",
                f"-I{folder}",
                "-DHV_HOSTED=1",
                "-DHV_DEBUG=1",
                "-o",
                program,
            ]
            + [str(book / "runs" / f"{name}.cpp"), *(str(root / source) for source in sources)],
            capture_output=True,
            text=True,
        )
        if compiled.returncode:
            raise QuoteError(f"runs/{name}.cpp does not compile: {compiled.stderr.strip()[:400]}")
        ran = subprocess.run([program], capture_output=True, text=True, timeout=60)
        if ran.returncode or not ran.stdout:
            raise QuoteError(f"runs/{name}.cpp failed: {(ran.stderr or ran.stdout).strip()[:400]}")
        return ran.stdout


def make_headers(root: Path, folder: Path) -> None:
    """Make the headers that CMake makes, below a folder."""
    for path, text in cxx.generated(root):
        made = folder / Path(path).relative_to(root)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text, encoding="utf-8")


class Run(SphinxDirective):
    """`{run} name` with `:rooms:`: the transcript of a program of `runs/`, made now."""

    required_arguments = 1
    option_spec = {"rooms": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Run it, remember it for `{ran}`, show it."""
        book, name = Path(self.env.srcdir), self.arguments[0]
        self.env.note_dependency(str(book / "runs" / f"{name}.cpp"))
        try:
            text = output(book, name, tuple(self.options.get("rooms", "").split())).rstrip()
        except QuoteError as error:
            return [self.state.document.reporter.error(str(error), line=self.lineno)]
        self.env.temp_data.setdefault("runs", {})[name] = text
        box = nodes.container(classes=["quote", "run"])
        caption = nodes.paragraph(classes=["quote-caption"])
        caption += nodes.literal("", f"book/runs/{name}.cpp")
        caption += nodes.inline(
            "", "run as this page was built: hosted, T0", classes=["quote-place"]
        )
        box += caption
        box += nodes.literal_block(text, text, language="text")
        return [box]


class Ran(SphinxRole):
    """``{ran}`name/label` ``: the number that a run above printed behind a label."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Find the line and give its last word."""
        name, _, label = self.text.partition("/")
        for line in self.env.temp_data.get("runs", {}).get(name, "").splitlines():
            if line.startswith(label + ":"):
                return [nodes.inline("", f"{int(line.split()[-1]):,}")], []
        message = self.inliner.reporter.error(
            f"no run above printed '{self.text}'", line=self.lineno
        )
        return [], [message]
