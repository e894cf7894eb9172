"""How Sphinx builds the book: Markdown through MyST, Furo's pages, and the quoting extension."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Subfloor"
author = "the Subfloor authors"
copyright = "2026, the Subfloor authors; text CC BY 4.0, code MIT"  # noqa: A001
html_title = "Subfloor"

extensions = ["myst_parser", "quoting", "beside_xen", "notebooks", "sessions", "drawings",
              "solutions", "reach"]
exclude_patterns = ["_ext"]
myst_enable_extensions = ["attrs_inline", "deflist", "smartquotes"]
nitpick_ignore_regex = [("cpp:.*", "std::.*"), ("cpp:.*", "xen_.*")]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_theme_options = {"navigation_with_keys": True}
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
# A summary is cut from a fetched page, and a page that was opened as a file may not fetch
html_show_search_summary = False
pygments_style = "a11y-high-contrast-light"  # dark enough for WCAG AA, as "native" is light enough
pygments_dark_style = "native"
