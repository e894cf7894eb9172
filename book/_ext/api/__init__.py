"""A Sphinx extension that lists what headers declare: Doxygen reads, Breathe renders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import doxygen
from .room import Room

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.domains.cpp._symbol import Symbol
    from sphinx.environment import BuildEnvironment

# Where a name is looked for that a header borrows: `using namespace hv` in the kit, `using
# x86::Exit` in an engine, an alias of the base class. Sphinx knows nothing of these.
BORROWED_FROM = ("hv::", "hv::x86::", "hv::x86::Exit::", "hv::Timer::")


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the directive, and read all headers before the first page is."""
    app.add_directive("room", Room)
    app.connect("builder-inited", _read_headers)
    app.connect("source-read", _forget)
    app.connect("missing-reference", _borrowed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read_headers(app: Sphinx) -> None:
    doxygen.run(Path(app.srcdir).parent, doxygen.folder(app))


def _forget(app: Sphinx, *_: object) -> None:
    """Before a page is read again, drop the names that its last reading left without a declaration:
    Sphinx would take an enumerator's for declared, and find it no more where it is used."""
    _prune(app.env.domains.cpp_domain.data["root_symbol"])


def _prune(symbol: Symbol) -> None:
    for child in list(symbol._children):
        _prune(child)
        if child.declaration is None and not child._children:
            child.remove()


def _borrowed(app: Sphinx, env: BuildEnvironment, node: pending_xref,
              shown: nodes.Element) -> nodes.Element | None:
    """Link a borrowed name to where it comes from."""
    if node.get("refdomain") != "cpp" or node["reftarget"].startswith("hv::"):
        return None
    for space in BORROWED_FROM:
        found = env.domains.cpp_domain.resolve_xref(
            env, node["refdoc"], app.builder, node["reftype"], space + node["reftarget"], node,
            shown)
        if found is not None:
            return found
    return None
