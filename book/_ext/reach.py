"""What a keyboard and a screen reader need, and the theme leaves out of its pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

AFTER_THE_THEME = 900
# Code, tables and drawings scroll sideways where the page is narrow: a keyboard must get to them.
SCROLLS = re.compile(
    r'<pre(?=>)|<(?:figure|div) class="(?:drawing|house|table-wrapper)[^"]*"(?! tabindex)'
)
# The captions of the contents call themselves headings, and must say of which level.
CAPTION = re.compile(r'(<p class="caption" role="heading")(?! aria-level)')


def setup(app: Sphinx) -> dict[str, bool]:
    """Go over each page when the theme is done with it."""
    app.connect("html-page-context", _mend, priority=AFTER_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _mend(app: Sphinx, page: str, template: str, context: dict[str, Any], *_: object) -> None:
    for part in ("body", "furo_navigation_tree"):
        if part in context:
            text = SCROLLS.sub(r'\g<0> tabindex="0"', context[part])
            context[part] = CAPTION.sub(r'\1 aria-level="2"', text)
