"""`python -m printing HTML PDF`: prints the book that Sphinx left in a folder."""

from __future__ import annotations

import hashlib
import html
import logging
import re
import subprocess
import sys
from pathlib import Path

from .gather import gather

TOP = Path(__file__).parents[3]
STYLES = TOP / "book" / "_static"


def edition(top: Path) -> str:
    """The version, and the commit with its date where git knows them."""
    version = re.search(r"^version: (.+)$", (top / "CITATION.cff").read_text(), re.MULTILINE)
    words = [f"Edition {version[1]}"]
    commit = _git(top, "describe", "--always", "--dirty=, with changes", "--exclude=*",
                  "--abbrev=12")
    if commit:
        words.append(f"commit {commit}, {_git(top, 'log', '-1', '--format=%cs')}")
    return "<br>".join(map(html.escape, words))


def _git(top: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(top), *words], capture_output=True, text=True,
                              check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def title_page(top: Path) -> str:
    """The first page: what this is, and which one."""
    return (f'<section id="title"><h1>Subfloor</h1><p>A hypervisor, told from its source</p>'
            f'<p class="edition">{edition(top)}</p>'
            "<p>Text: CC BY 4.0. Code: MIT.</p></section>")


class Complaints(logging.Handler):
    """What WeasyPrint says is wrong: a link to nowhere, a rule that it does not know."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.append(record.getMessage())


def set_on_paper(document: str, folder: Path, target: Path) -> list[str]:
    """Write the PDF, and return what is wrong with it."""
    import weasyprint

    complaints = Complaints()
    logger = logging.getLogger("weasyprint")
    logger.addHandler(complaints)
    weasyprint.HTML(string=document, base_url=str(folder) + "/").write_pdf(target)
    logger.removeHandler(complaints)
    return complaints.said


def main() -> int:
    """Print it, unless what is there was printed from the same."""
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    styles = {name: (STYLES / f"{name}.css").read_text() for name in ("print", "drawings")}
    document = gather(folder, title_page(TOP), styles)
    digest = hashlib.sha256(document.encode()).hexdigest()
    kept = target.with_suffix(".digest")
    if target.exists() and kept.exists() and kept.read_text() == digest:
        return 0
    wrong = set_on_paper(document, folder, target)
    for line in wrong:
        print(f"in print: {line}", file=sys.stderr)
    if wrong:
        return 1
    kept.write_text(digest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
