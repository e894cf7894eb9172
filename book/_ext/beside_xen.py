"""What stands beside real Xen, drawn from the tests that compare: figures and answers."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective, SphinxRole

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Offer the directives."""
    app.add_directive("figures", Figures)
    app.add_directive("differences", Differences)
    app.add_role("noted", Noted())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _cell(content: str | nodes.Node, *classes: str) -> nodes.entry:
    entry = nodes.entry(classes=list(classes))
    entry += content if isinstance(content, nodes.Node) else nodes.paragraph("", content)
    return entry


def table(heads: list[str], widths: list[int], rows: list[list[nodes.entry]]) -> nodes.table:
    """Put rows of cells under their heads."""
    group = nodes.tgroup(cols=len(heads))
    group += [nodes.colspec(colwidth=width) for width in widths]
    head, body = nodes.thead(), nodes.tbody()
    for where, cells in [(head, [_cell(text) for text in heads]), *((body, row) for row in rows)]:
        where += nodes.row("", *cells)
    group += [head, body]
    return nodes.table("", group, classes=["beside-xen"])


class FromTests(SphinxDirective):
    """What both directives share: they read files of the tests."""

    def read(self, name: str) -> dict:
        """Return a file of `tests/`, on which the page depends from here on."""
        path = Path(self.env.srcdir).parent / "tests" / name
        self.env.note_dependency(str(path))
        return tomllib.loads(path.read_text())


class Figures(FromTests):
    """`{figures} svm` or `vmx`: the bench's rows with an engine's figures as last noted."""

    required_arguments = 1
    heads = {"xen": "Xen", "xen_less_decoding": "less decoding", "ours": "Subfloor"}

    def run(self) -> list[nodes.Node]:
        engine = self.arguments[0]
        rows, noted = self.read("bench/rows.toml"), self.read("bench/today.toml")
        noted = noted if engine == "svm" else noted[engine]
        # Where the CPU tells an instruction's length, there is no decoding to be left out
        names = [name for name in self.heads if engine == "svm" or name != "xen_less_decoding"]
        columns = [noted[name] for name in names]
        shown, whys = [], nodes.bullet_list()
        for name, row in rows.items():
            row = row | row.get(engine, {})
            if "goal" in row and "why" in row:
                text = f"{row['title']}: {row['why']}."
                whys += nodes.list_item("", nodes.paragraph("", text))
            unit = f" ({row['unit']})" if "unit" in row else ""
            goal, ours = row.get("goal"), columns[-1].get(name)
            met = goal is not None and ours is not None and ours <= goal
            numbers = [row.get("floor"), *(column.get(name) for column in columns), goal]
            cells = [_cell(row["title"] + unit)]
            cells += [_cell(_number(number), "number") for number in numbers]
            cells[-2]["classes"] += ["met"] if met else []
            shown.append(cells)
        heads = ["operation", "floor", *(self.heads[name] for name in names), "goal"]
        where = nodes.paragraph("", "Noted on {day} with {emulator}, {xen}.".format(**noted["by"]))
        notes = [where, whys] if len(whys) else [where]
        return [table(heads, [40, 10, *(14 for _ in names), 10], shown), *notes]


class Noted(SphinxRole):
    """``{noted}`svm/ours/cpuid` ``: one of the bench's figures: engine, whose, and which row."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Look it up among the figures as last noted."""
        path = Path(self.env.srcdir).parent / "tests" / "bench" / "today.toml"
        self.env.note_dependency(str(path))
        noted = tomllib.loads(path.read_text())
        engine, whose, row = self.text.split("/")
        found = (noted if engine == "svm" else noted[engine])[whose].get(row)
        if found is None:
            message = self.inliner.reporter.error(f"no figure '{self.text}'", line=self.lineno)
            return [], [message]
        return [nodes.inline("", _number(found))], []


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.1f}"


# What stands beside what: every day real Xen runs on SVM only.
WHERE = {"svm": "SVM", "vmx": "VMX", "crossed": "VMX beside SVM"}


class Differences(FromTests):
    """`{differences}`: the questions that may be answered otherwise than by Xen, and why."""

    def run(self) -> list[nodes.Node]:
        shown = []
        for one in self.read("oracle/differences.toml")["difference"]:
            question = nodes.paragraph("", "", nodes.literal("", one["question"]))
            engines = ", ".join(WHERE[engine] for engine in one.get("engines", ["svm", "vmx"]))
            reason = one["reason"]
            reason = f"{reason[0].upper()}{reason[1:]}."
            shown.append([_cell(question), _cell(reason), _cell(engines)])
        return [table(["questions", "why the answer differs", "engines"], [40, 50, 10], shown)]
