"""Has Doxygen read the headers, anew whenever one of them has changed."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from quoting.runs import make_headers
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# A header's path is how it is included. A word of the prose is no link: many are names by chance.
SETTINGS = """
INPUT = hv chapters/kit "{folder}/made"
FILE_PATTERNS = *.hpp
RECURSIVE = YES
STRIP_FROM_PATH = hv chapters "{folder}/made"
OUTPUT_DIRECTORY = "{folder}"
GENERATE_HTML = NO
GENERATE_LATEX = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
EXTRACT_ALL = YES
AUTOLINK_SUPPORT = NO
PREDEFINED = HV_HOSTED=0 HV_DEBUG=1 __XEN_TOOLS__=1
QUIET = YES
WARN_AS_ERROR = FAIL_ON_WARNINGS
"""


def folder(app: Sphinx) -> Path:
    """Where Doxygen leaves what it has read."""
    return Path(app.outdir).parent / "doxygen"


def headers(room: Path) -> dict[str, Path]:
    """The headers of a folder by the names by which they are included; CMake makes some of them."""
    found = [path for path in room.rglob("*.hpp*") if path.suffix in (".hpp", ".in")]
    return {str(path.relative_to(room.parent)).removesuffix(".in"): path for path in sorted(found)}


def run(top: Path, target: Path) -> None:
    """Read the headers of all rooms, unless they are as they were."""
    settings = SETTINGS.format(folder=target)
    digest = hashlib.sha256(settings.encode())
    for room in (*(top / "hv").iterdir(), top / "chapters" / "kit"):
        for name, path in headers(room).items():
            digest.update(name.encode() + path.read_bytes())
    kept = target / "digest"
    if kept.exists() and kept.read_text() == digest.hexdigest():
        return
    made = target / "made"
    made.mkdir(parents=True, exist_ok=True)
    make_headers(top / "hv", made)
    try:
        done = subprocess.run(["doxygen", "-"], input=settings, cwd=top, capture_output=True,
                              text=True, check=False)
    except FileNotFoundError as error:
        raise ExtensionError("doxygen is missing: apt-get install doxygen") from error
    if done.returncode:
        raise ExtensionError(f"Doxygen does not understand a header: {done.stderr.strip()}")
    kept.write_text(digest.hexdigest())
