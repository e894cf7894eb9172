"""What pages draw from the tree itself: the chapters in order, the house, the homeless."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.directives.other import TocTree
from sphinx.util.docutils import SphinxDirective

from . import tree
from .house import draw, rooms


class Chapters(TocTree):
    """`{chapters}`: a table of contents in the order of `chapters/order`; `:interludes: after a b`
    puts the folders a and b behind the chapter `after`."""

    option_spec = TocTree.option_spec | {"interludes": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        names = (Path(self.env.srcdir).parent / "chapters" / "order").read_text().split()
        if words := self.options.pop("interludes", "").split():
            at = names.index(words[0]) + 1
            names[at:at] = words[1:]
        pages = [f"{name}/index" for name in names if f"{name}/index" in self.env.found_docs]
        self.content = type(self.content)(pages, items=[(self.env.docname, 0)] * len(pages))
        return super().run()


class House(SphinxDirective):
    """`{house}`: the map of the house, drawn from the source with its sizes."""

    def run(self) -> list[nodes.Node]:
        top = Path(self.env.srcdir).parent
        for path in tree.files(top / "hv"):
            self.env.note_dependency(str(path))
        found = rooms(top)
        figure = nodes.figure(classes=["house"])
        figure += nodes.raw("", draw(found), format="html")
        total = sum(room.lines for room in found)
        figure += nodes.caption(
            "",
            f"The house as it stands: {len(found)} rooms, {total:,} lines of code. "
            "A chapter may lean on earlier ones, an engine on the ground floor; never the reverse.",
        )
        return [figure]


class Homeless(SphinxDirective):
    """`{homeless}`: how many symbols of each folder have no home yet, and which."""

    def run(self) -> list[nodes.Node]:
        registry = self.env.quoting
        left = registry.homeless()
        every = Counter(s.folder for s in registry.index.symbols)
        shown: list[nodes.Node] = [
            nodes.paragraph(
                "", f"{len(left):,} of {len(registry.index.symbols):,} symbols have no home yet."
            )
        ]
        for folder in sorted(every):
            mine = [s for s in left if s.folder == folder]
            section = nodes.section(ids=[f"homeless-{folder.strip('.') or 'top'}"])
            section += nodes.title(
                "", f"{folder.replace('.', 'main')}: {len(mine)} of {every[folder]}"
            )
            names = nodes.paragraph(classes=["homeless-names"])
            for number, symbol in enumerate(mine):
                names += nodes.inline("", " · " if number else "")
                names += nodes.literal("", symbol.name)
            section += names if mine else nodes.paragraph("", "All are told.")
            shown.append(section)
        return shown
