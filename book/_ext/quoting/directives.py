"""The directives source, show-again, shelf and voice, and the role that links to a home."""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from . import homes
from .excerpt import Excerpt
from .fences import Fence, read_shelf
from .homes import Registry
from .symbols import QuoteError, Symbol

LANGUAGES = {".S": "gas", ".ld": "text", ".lds": "text"}


class QuotingDirective(SphinxDirective):
    """What the quoting directives share."""

    @property
    def registry(self) -> Registry:
        """The homes, settled before any page was read."""
        return self.env.quoting

    @property
    def fence(self) -> Fence:
        """This directive as the checkers read it."""
        options = tuple((name, str(value or "")) for name, value in self.options.items())
        argument = self.arguments[0] if self.arguments else ""
        return Fence(
            self.env.docname,
            self.lineno,
            self.name,
            argument,
            options,
            "\n".join(self.content),
            True,
        )

    def run(self) -> list[nodes.Node]:
        """Show it; what does not resolve has been reported already, with the other faults."""
        try:
            return self.show()
        except QuoteError as error:
            return [nodes.paragraph("", str(error))]

    def show(self) -> list[nodes.Node]:
        """The nodes of the directive."""
        raise NotImplementedError


class Source(QuotingDirective):
    """`{source} name; name`: the home of symbols, or of a part `:from:` a step `:until:` one."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {
        "from": directives.unchanged,
        "until": directives.unchanged,
        "doc": directives.flag,
    }

    def show(self) -> list[nodes.Node]:
        fence = self.fence
        shown: list[nodes.Node] = []
        for symbol in homes.sources(self.registry.index, fence):
            home = homes.Home(
                symbol, fence.page, fence.where, False, fence.option("from"), fence.option("until")
            )
            block = listing(self.registry.excerpt(home, fence.has("doc")), "quote")
            if not home.start:
                block["ids"] = [home.anchor]
            shown.append(block)
        return shown


class ShowAgain(QuotingDirective):
    """`{show-again} name` with `:step:`: an excerpt in grey, linked to its home."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {"step": directives.unchanged_required}

    def show(self) -> list[nodes.Node]:
        excerpt = homes.again(self.registry.index, self.fence)
        link = reference(self.env, self.registry, excerpt.symbol, excerpt.symbol.name)
        return [listing(excerpt, "quote quote-again", link)]


class Shelf(QuotingDirective):
    """`{shelf}`: names, and a sentence on what they are for and when to read them."""

    has_content = True

    def show(self) -> list[nodes.Node]:
        return [
            self._entry(entry.names, entry.sentence)
            for entry in read_shelf("\n".join(self.content))
        ]

    def _entry(self, names: tuple[str, ...], sentence: str) -> nodes.Node:
        found = [s for name in names for s in self._symbols(name)]
        item = nodes.container(classes=["shelf-entry"])
        heads = nodes.paragraph(classes=["shelf-names"])
        for number, (name, symbols) in enumerate(self._named(found)):
            heads += nodes.inline("", " · " if number else "")
            heads += nodes.literal("", name, ids=[homes.anchor_of(s) for s in symbols])
        item += heads
        text, messages = self.parse_inline(sentence)
        item += nodes.paragraph("", "", *text, *messages)
        places = sorted({f"hv/{s.file}" for s in found})
        item += nodes.paragraph("", ", ".join(places), classes=["shelf-place"])
        return item

    def _named(self, found: list[Symbol]) -> list[tuple[str, list[Symbol]]]:
        """The symbols by name, overloads together; what a class among them tells is left to it."""
        told = [s for s in found if not any(other.contains(s) for other in found)]
        names = dict.fromkeys(s.name for s in told)
        return [(n.removeprefix("hv::"), [s for s in told if s.name == n]) for n in names]

    def _symbols(self, name: str) -> list[Symbol]:
        if not homes.is_pattern(name):
            return self.registry.index.find(name)
        owned = self.registry.homes
        here = [s for s in homes.matched(self.registry.index, name) if s in owned]
        return [s for s in here if owned[s][0].pattern == name]


class Voice(SphinxDirective):
    """`{voice}`: the hypervisor speaks, set apart."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        box = nodes.container(classes=["voice"])
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


def listing(excerpt: Excerpt, classes: str, link: nodes.Node | None = None) -> nodes.container:
    """A quote with its caption: the name, the file and the lines."""
    symbol = excerpt.symbol
    box = nodes.container(classes=classes.split())
    caption = nodes.paragraph(classes=["quote-caption"])
    caption += link if link is not None else nodes.literal("", symbol.name)
    lines = (
        f"line {excerpt.first}"
        if excerpt.first == excerpt.last
        else f"lines {excerpt.first}–{excerpt.last}"
    )
    caption += nodes.inline("", f"hv/{symbol.file}, {lines}", classes=["quote-place"])
    suffix = "." + symbol.file.rsplit(".", 1)[-1]
    text = "\n".join(excerpt.lines)
    box += caption
    box += nodes.literal_block(text, text, language=LANGUAGES.get(suffix, "cpp"), force=True)
    return box


def reference(env: BuildEnvironment, registry: Registry, symbol: Symbol, text: str) -> nodes.Node:
    """A link to a symbol's home, or only its name while it has none."""
    home = registry.home(symbol)
    if home is None:
        return nodes.literal("", text)
    uri = env._app.builder.get_relative_uri(env.docname, home.page) + "#" + home.anchor
    link = nodes.reference("", "", internal=True, refuri=uri, classes=["symbol-link"])
    link += nodes.literal("", text)
    return link


def symbol_role(_role, rawtext, text, lineno, inliner, *_):  # noqa: ANN001, ANN201
    """{sym}`name`: a name that must resolve, linked to its home. `~` shows its last part only."""
    env = inliner.document.settings.env
    short = text.startswith("~")
    try:
        symbol = env.quoting.index.find(text.removeprefix("~"))[0]
    except QuoteError as error:
        return [nodes.literal(rawtext, text)], [inliner.reporter.error(str(error), line=lineno)]
    shown = symbol.name.rsplit("::", 1)[-1] if short else symbol.name
    return [reference(env, env.quoting, symbol, shown)], []
