"""The directive `{room}`: what the headers of a folder declare, each with a link to its home."""

from __future__ import annotations

from pathlib import Path

from breathe import parser
from breathe.directives import BaseDirective
from breathe.project import ProjectInfo
from breathe.renderer.filter import NodeStack
from breathe.renderer.mask import NullMaskFactory
from breathe.renderer.target import create_target_handler
from docutils import nodes
from quoting.homes import Home
from quoting.symbols import QuoteError
from sphinx import addnodes

from . import doxygen, tidy
from .declared import Declaration, Declared


class Room(BaseDirective):
    """`{room} hv/base`: a section for each header of a folder, in the order of their names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """List them."""
        self.project = ProjectInfo(self.app, "hv", str(doxygen.folder(self.app) / "xml"), "", "hv")
        self.declared = Declared(self.dox_parser, self.project)
        found = doxygen.headers(Path(self.env.srcdir).parent / self.arguments[0])
        return [self._section(name, path) for name, path in found.items()]

    def _section(self, name: str, path: Path) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(name)], names=[name], classes=["header"])
        section += nodes.title("", "", nodes.literal("", name))
        words, complaints = self.parse_inline(opening(path.read_text(encoding="utf-8")))
        section += nodes.paragraph("", "", *words, *complaints)
        for declaration in self.declared.outermost(name):
            section += self._show(declaration)
        return section

    def _show(self, declaration: Declaration) -> list[nodes.Node]:
        shown = self.render(declaration.stack, self.project, _is_for_others,
                            create_target_handler({}, self.env), NullMaskFactory(),
                            self.directive_args)
        for node in shown:
            tidy.tidy(node, self.declared)
            for described in node.findall(addnodes.desc):
                self._link_home(described)
        return shown

    def _link_home(self, described: addnodes.desc) -> None:
        """Link a declaration to its home, unless that is its class's: a shelf tells both as one."""
        home = self._home(described)
        around = described.parent.parent if described.parent else None
        of_class = self._home(around) if isinstance(around, addnodes.desc) else None
        if home is None or home == of_class:
            return
        if of_class and home.shelved and home.page == of_class.page:
            return
        uri = self.app.builder.get_relative_uri(self.env.docname, home.page) + "#" + home.anchor
        described[0].insert(0, nodes.reference("", "told", internal=True, refuri=uri,
                                               classes=["told"]))

    def _home(self, described: addnodes.desc) -> Home | None:
        """Where the book tells it, or the class that it stands in."""
        found = tidy.declaration(described, self.declared)
        if found is None:
            return None
        try:
            named = self.env.quoting.index.find(f"{found.name}(*)")
        except QuoteError:  # the class tells its prototypes, and no page tells the kit
            return None
        here = [s for s in named if s.file == found.file and s.first <= found.line <= s.last]
        return self.env.quoting.home((here or named)[0])


def _is_for_others(stack: NodeStack) -> bool:
    """True for all but a class's private members, and an unnamed union, whose members are shown."""
    node = stack.node
    if isinstance(node, parser.Node_memberdefType) and node.name.startswith("@"):
        return False
    return getattr(node, "prot", None) != parser.DoxProtectionKind.private


def opening(text: str) -> str:
    """The comment that a file begins with."""
    lines = []
    for line in text.split("\n"):
        if not line.startswith("//"):
            break
        lines.append(line.lstrip("/").strip())
    return " ".join(lines)
