"""What Doxygen found in each header: its declarations, in the order of the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from breathe import parser
from breathe.renderer import TaggedNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from breathe.project import ProjectInfo

Kind = parser.DoxCompoundKind
CLASSES = {Kind.struct, Kind.class_, Kind.union, Kind.concept}
SPACES = {Kind.namespace, Kind.file}
# What a variable starts with stays in its line while it is as short as this
SHORT = re.compile(r'\s*=?\s*([^{\["\n]{0,40}|\{[^{}",=\n]{0,20}\})')


@dataclass(frozen=True)
class Declaration:
    """Something that a header declares: where it stands, and what Breathe renders it from."""

    name: str
    file: str
    line: int
    stack: list[TaggedNode]
    value: str = ""
    """What it starts with, where that is long."""


class Declared:
    """All declarations, by Doxygen's ids."""

    def __init__(self, dox: parser.DoxygenParser, project: ProjectInfo) -> None:
        self._by_id: dict[str, Declaration] = {}
        self._inner: set[str] = set()
        for compound in dox.parse_index(project).root.compound:
            for found in dox.parse_compound(compound.refid, project).root.compounddef:
                if found.kind in CLASSES:
                    self._add_class(compound, found)
                if found.kind in CLASSES | SPACES:
                    self._add_members(found)

    def outermost(self, file: str) -> list[Declaration]:
        """What a header declares outside of its classes, from its first line to its last."""
        found = [it for name, it in self._by_id.items()
                 if it.file == file and name not in self._inner]
        return sorted(found, key=lambda it: it.line)

    def find(self, names: Iterable[str]) -> Declaration | None:
        """The declaration that has one of these ids."""
        return next((self._by_id[name] for name in names if name in self._by_id), None)

    def _add_class(self, compound: parser.Node_CompoundType,
                   found: parser.Node_compounddefType) -> None:
        at = found.location
        self._by_id[found.id] = Declaration(found.compoundname, at.file, at.line,
                                            [TaggedNode(None, compound)])
        self._inner.update(inner.refid for inner in found.innerclass)
        found.derivedcompoundref.clear()  # a class need not say who builds upon it

    def _add_members(self, found: parser.Node_compounddefType) -> None:
        for section in found.sectiondef:
            for member in section.memberdef:
                if found.kind in CLASSES:
                    self._inner.add(member.id)
                at = member.location
                self._by_id[member.id] = Declaration(
                    member.qualifiedname or member.name, at.file, at.line,
                    [TaggedNode(None, member), TaggedNode(None, found)], _take_value(member))


def _take_value(member: parser.Node_memberdefType) -> str:
    """Take from a declaration what it starts with, if that is too long for its line."""
    if member.initializer is None:
        return ""
    text = "".join(part if isinstance(part, str) else "".join(part.value)
                   for part in member.initializer)
    if member.kind == parser.DoxMemberKind.define or SHORT.fullmatch(text):
        return ""
    member.initializer = None
    return text.strip()
