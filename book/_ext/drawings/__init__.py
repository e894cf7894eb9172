"""`{drawing} name`: a picture drawn as the book is built, from the source or from a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from quoting.symbols import QuoteError
from sphinx.util.docutils import SphinxDirective

from . import boot, domains, engines, events, grants
from .paper import Paper

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

#: Each drawing, by its name: it is handed the book's folder and Sphinx's environment.
DRAWINGS: dict[str, Callable[[Path, Any], Paper]] = {
    "ways-in": boot.ways_in,
    "frames": boot.frames,
    "address-space": boot.address_space,
    "stacks": boot.stacks,
    "household": domains.household,
    "coupon": domains.coupon,
    "walk": domains.walk,
    "gap": domains.gap,
    "life": domains.life,
    "births": domains.births,
    "active-table": grants.active_table,
    "two-views": grants.two_views,
    "promise": grants.promise,
    "crossing-svm": engines.svm_crossing,
    "crossing-vmx": engines.vmx_crossing,
    "grant-and-bell": events.grant_and_bell,
    "levels": events.levels,
    "queues": events.queues,
    "states": events.states,
    "ring": events.ring,
    "moments": events.moments,
    "vocabulary": events.vocabulary,
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the directive."""
    app.add_directive("drawing", Drawing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Drawing(SphinxDirective):
    """`{drawing} name`, and beneath it the caption: a picture with its words for who cannot see."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw it, and put the caption under it."""
        book, name = Path(self.env.srcdir), self.arguments[0]
        for path in sorted(Path(__file__).parent.glob("*.py")):
            self.env.note_dependency(str(path))
        if name not in DRAWINGS:
            return [self.state.document.reporter.error(f"there is no drawing '{name}'",
                                                       line=self.lineno)]
        try:
            picture = DRAWINGS[name](book, self.env).svg()
        except QuoteError as error:
            return [self.state.document.reporter.error(str(error), line=self.lineno)]
        figure = nodes.figure(classes=["drawing"])
        figure += nodes.raw("", picture, format="html")
        text, messages = self.parse_inline(" ".join(self.content))
        figure += nodes.caption("", "", *text)
        return [figure, *messages]
