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
    if isinstance(rendered, addnodes.desc):
        _name_space(rendered, declared)
    for described in rendered.findall(addnodes.desc):
        _order_members(described[1], declared)
        found = declaration(described, declared)
        if found and found.value:
            described[1] += _code(found.value)


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


def _name_space(described: addnodes.desc, declared: Declared) -> None:
    """Show its namespace in plain words, as it has no place of its own; not the outermost."""
    head = described[0]
    for prefix in list(head.findall(addnodes.desc_addname)):
        prefix.parent.remove(prefix)
    found = declaration(described, declared)
    space = found.name.removeprefix("hv::").rpartition("::")[0] if found else ""
    if space:
        # The names before it are those of a template's parameters
        name = list(head.findall(addnodes.desc_name))[-1]
        name.parent.insert(name.parent.index(name), addnodes.desc_addname("", f"{space}::"))
