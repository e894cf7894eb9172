"""Solutions of exercises, folded away until somebody wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the directive."""
    app.add_directive("solution", Solution)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Solution(SphinxDirective):
    """`{solution}`: its content, behind a word that unfolds it."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Put the content between the two ends of a fold."""
        box = nodes.container(classes=["solution"])
        self.state.nested_parse(self.content, self.content_offset, box)
        start = '<details class="solution"><summary>Solution</summary>'
        return [nodes.raw("", start, format="html"), *box.children,
                nodes.raw("", "</details>", format="html")]
