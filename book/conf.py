"""How Sphinx builds the book: Markdown through MyST, Furo's pages, and the quoting extension."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Subfloor"
author = "the Subfloor authors"
copyright = "2026, the Subfloor authors; text CC BY 4.0, code MIT"  # noqa: A001
html_title = "Subfloor"

extensions = ["myst_parser", "quoting", "breathe", "api", "beside_xen", "notebooks", "sessions",
              "drawings", "solutions", "reach"]
exclude_patterns = ["_ext"]
myst_enable_extensions = ["attrs_inline", "deflist", "smartquotes"]
# What C, C++, Boost and Xen declare is told by them; a namespace and a tag are names and no more
nitpick_ignore_regex = [("cpp:.*", name) for name in (
    "std::.*", "boost(::.*)?", "size_t", r"u?int\d+_t", "xen_.*",
    "(hvm|vcpu|evtchn|event_word|grant)_.*", "xencons_interface", "xenstore_domain_interface",
    "shared_info", "domid_t", "[A-Z][A-Z0-9_]+", "(hv(::)?)?(x86|vmx|svm|boot)?", "kit", r"\w+Tag")]

# A header's page says already what to include; its contents are its headers, not their 1,700 names
breathe_show_include = False
toc_object_entries = False

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
