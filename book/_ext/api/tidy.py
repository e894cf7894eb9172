"""Makes what Breathe renders pleasant to read: the source's order, short names, no headings."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from .declared import Declaration, Declared


def tidy(rendered: nodes.Element, declared: Declared) -> None:
    """Tidy a declaration, and all that stand in it."""
    for described in rendered.findall(addnodes.desc):
        _order_members(described[1], declared)
        found = declaration(described, declared)
        if found and found.value:
            described[1] += _code(found.value)
    for prefix in list(rendered.findall(addnodes.desc_addname)):
        _shorten(prefix)


def declaration(described: addnodes.desc, declared: Declared) -> Declaration | None:
    """What Doxygen knows of it: one of the ids in its head is Doxygen's."""
    head = described[0]
    return declared.find(name for place in (head, *head.findall(nodes.target))
                         for name in place["ids"])


def _order_members(content: addnodes.desc_content, declared: Declared) -> None:
    """Put a class's members into the order of the source, without the headings between."""
    groups = [child for child in content if isinstance(child, nodes.container)]
    members = [child for child in content if isinstance(child, addnodes.desc)]
    for group in groups:
        members += [child for child in group if isinstance(child, addnodes.desc)]
        content.remove(group)
    for member in members:
        member.parent.remove(member)
    content += sorted(members, key=lambda one: getattr(declaration(one, declared), "line", 0))


def _code(text: str) -> nodes.literal_block:
    first, _, rest = text.partition("\n")
    text = "\n".join(filter(None, (first, textwrap.dedent(rest))))
    return nodes.literal_block(text, text, language="cpp")


def _shorten(prefix: addnodes.desc_addname) -> None:
    """Show a namespace as plain words, for it has no place of its own; the outermost is known."""
    short = prefix.astext().removeprefix("hv::")
    prefix.clear()
    if short:
        prefix += nodes.Text(short)
    else:
        prefix.parent.remove(prefix)
