"""Pages that are notebooks: each is run while the book is built, and shown as it ran."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

FOLDER = "notebooks/"
STYLE = re.compile(r"<style.*?</style>\n?", re.DOTALL)
WISH = re.compile(r"^```\{notebook\} (\w+)\n```$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Put the run in the place of the page's wish for it, before the page is parsed."""
    app.connect("source-read", _show_run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _show_run(app: Sphinx, docname: str, content: list[str]) -> None:
    if not docname.startswith(FOLDER):
        return
    top = Path(app.srcdir).parent
    wish = WISH.search(content[0])
    if wish is None:
        return
    name = wish[1]
    app.env.note_dependency(str(top / "notebooks" / f"{name}.ipynb"), docname=docname)
    content[0] = WISH.sub(lambda _: as_markdown(_run(top, name)), content[0])


def _run(top: Path, name: str) -> Path:
    """The file that keeps the notebook's run as things are now."""
    tooling = str(top / "pyhv" / "src")
    if tooling not in sys.path:
        sys.path.insert(0, tooling)
    from pyhv import notebooks

    return notebooks.run(name)


def as_markdown(run: Path) -> str:
    """A kept run as a page: its cells, what they printed, and their figures."""
    import nbformat
    from nbconvert import MarkdownExporter

    notebook = nbformat.read(run, 4)
    # What a cell reports of its progress is for who waits for it
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    text, resources = MarkdownExporter().from_notebook_node(notebook)
    # The book styles its tables itself, and Markdown would take a style's blank lines for its end
    text = STYLE.sub("", text)
    words = iter(_words_of_pictures(notebook))
    for file, picture in resources["outputs"].items():
        address = "data:image/png;base64," + base64.b64encode(picture).decode()
        text = text.replace(f"![png]({file})", f"![{next(words)}]({address})")
    return text


def _words_of_pictures(notebook: NotebookNode) -> list[str]:
    """What each picture says of itself in words, in the order of the cells."""
    outputs = [output.get("data", {}) for cell in notebook.cells if cell.cell_type == "code"
               for output in cell.outputs]
    return [data["text/plain"].strip("<>").removeprefix("picture: ")
            for data in outputs if "image/png" in data]
