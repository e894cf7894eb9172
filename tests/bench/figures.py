# Figures: what the guests said, the rows they belong to, and the numbers of earlier days.
"""Turn what COM1 said into rows, and hold them against goals and against an earlier day."""

import json
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from pyhv.errors import Failure
from pyhv.paths import BUILD

HERE = Path(__file__).parent
TODAY = HERE / "today.toml"
RESULTS = {"svm": BUILD / "bench.json", "vmx": BUILD / "bench-vmx.json"}
# A row that misses its goal may vary this much with the compiler's mood.
SLACK = 1.02
ENGINES = ("svm", "vmx")
# Whose figures are noted.
COLUMNS = ("xen", "xen_less_decoding", "ours")


@dataclass(frozen=True)
class Figure:
    """What one operation cost: the median, and the 99th percentile where there are many."""

    median: float
    p99: float | None = None


Figures = dict[str, Figure]


@dataclass(frozen=True)
class Row:
    """One line of the table; None where nothing was measured or wished for."""

    name: str
    title: str
    unit: str
    floor: float | None
    xen: float | None
    xen_p99: float | None
    xen_less_decoding: float | None
    ours: float | None
    ours_p99: float | None
    goal: float | None
    why: str | None

    @property
    def ratio(self) -> float | None:
        """Return how many times more Xen pays, without its decoding."""
        if not self.ours or self.xen_less_decoding is None:
            return None
        return self.xen_less_decoding / self.ours


def parse(said: str) -> Figures:
    """Return the meter's figures; a run without any has failed."""
    lines = re.findall(r"meter: (\S+) median (\d+) p99 (\d+) of \d+", said)
    if not lines:
        raise Failure("the meter printed no figure", said[-3000:])
    return {name: Figure(int(median), int(high)) for name, median, high in lines}


def only(said: str, name: str, pattern: str, factor: float = 1.0) -> Figures:
    """Return one figure that COM1 told, or none."""
    found = re.search(pattern, said, re.M)
    return {name: Figure(float(found[1]) * factor)} if found else {}


def definitions(engine: str = "svm") -> dict[str, dict]:
    """Return the rows in their order, as rows.toml tells them of an engine."""
    told = tomllib.loads((HERE / "rows.toml").read_text())
    return {name: for_engine(row, engine) for name, row in told.items()}


def for_engine(row: dict, engine: str) -> dict:
    """Return a row with what its engine has of its own: a floor, a goal, or why there is none."""
    own = row.get(engine, {})
    return {key: value for key, value in row.items() if key not in ENGINES} | own


def rows(
    xen: Figures, less_decoding: Figures, ours: Figures, engine: str = "svm"
) -> list[Row]:
    """Return the table's rows."""

    def median(figures: Figures, name: str) -> float | None:
        return figures[name].median if name in figures else None

    def p99(figures: Figures, name: str) -> float | None:
        return figures[name].p99 if name in figures else None

    return [
        Row(
            name, row["title"], row.get("unit", "instructions"), row.get("floor"),
            median(xen, name), p99(xen, name), median(less_decoding, name), median(ours, name),
            p99(ours, name), row.get("goal"), row.get("why"),
        )
        for name, row in definitions(engine).items()
    ]


def save(table: list[Row], engine: str) -> None:
    """Write build/bench.json, or build/bench-vmx.json."""
    RESULTS[engine].parent.mkdir(parents=True, exist_ok=True)
    told = {"rows": [asdict(row) for row in table]}
    RESULTS[engine].write_text(json.dumps(told, indent=1) + "\n")


def noted(engine: str = "svm") -> dict[str, dict]:
    """Return an engine's figures as last noted, by whose they are, and `by` what."""
    told = tomllib.loads(TODAY.read_text())
    return told if engine == "svm" else told.get(engine, {})


def note(engine: str, by: dict[str, str], **columns: Figures) -> None:
    """Note figures, by whose they are: our later ones may only be better, or within the goal."""
    lines = ["# The figures that were last noted, by tests/bench/compare --note."]
    for one in ENGINES:
        here, prefix = one == engine, "" if one == "svm" else f"{one}."
        lines += [*([] if one == "svm" else [""]), f"[{prefix}by]"]
        told = noted(one).get("by", {}) | (by if here else {})
        lines += [f'{name} = "{text}"' for name, text in told.items()]
        for column in COLUMNS:
            new = columns.get(column, {}) if here else {}
            known = noted(one).get(column, {})
            known |= {name: figure.median for name, figure in new.items()}
            lines += ["", f"[{prefix}{column}]"]
            lines += [f"{name} = {known[name]:.9g}" for name in definitions() if name in known]
    TODAY.write_text("\n".join(lines) + "\n")


def limit(name: str, engine: str = "svm") -> float | None:
    """Return what a row may cost at most: its goal once that was met, else little over today's."""
    before = noted(engine).get("ours", {}).get(name)
    goal = definitions(engine)[name].get("goal")
    if before is None:
        return None
    return goal if goal is not None and before <= goal else before * SLACK
