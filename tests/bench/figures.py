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
RESULT = BUILD / "bench.json"
# A row that misses its goal may vary this much with the compiler's mood.
SLACK = 1.02
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


def definitions() -> dict[str, dict]:
    """Return the rows in their order, as rows.toml tells them."""
    return tomllib.loads((HERE / "rows.toml").read_text())


def rows(xen: Figures, less_decoding: Figures, ours: Figures) -> list[Row]:
    """Return the table's rows."""

    def median(figures: Figures, name: str) -> float | None:
        return figures[name].median if name in figures else None

    return [
        Row(
            name, row["title"], row.get("unit", "instructions"), row.get("floor"),
            median(xen, name), median(less_decoding, name), median(ours, name),
            ours[name].p99 if name in ours else None, row.get("goal"), row.get("why"),
        )
        for name, row in definitions().items()
    ]


def save(table: list[Row]) -> None:
    """Write build/bench.json."""
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"rows": [asdict(row) for row in table]}, indent=1) + "\n")


def noted() -> dict[str, dict]:
    """Return the figures as they were last noted, by whose they are, and `by` what."""
    return tomllib.loads(TODAY.read_text())


def note(by: dict[str, str], **columns: Figures) -> None:
    """Note figures, by whose they are: our later ones may only be better, or within the goal."""
    before = noted()
    lines = ["# The figures that were last noted, by tests/bench/compare --note.", "[by]"]
    lines += [f'{name} = "{text}"' for name, text in (before["by"] | by).items()]
    for column in COLUMNS:
        new = {name: figure.median for name, figure in columns.get(column, {}).items()}
        known = before[column] | new
        lines += ["", f"[{column}]"]
        lines += [f"{name} = {known[name]:.9g}" for name in definitions() if name in known]
    TODAY.write_text("\n".join(lines) + "\n")


def limit(name: str) -> float | None:
    """Return what a row may cost at most: its goal once that was met, else little over today's."""
    before = noted()["ours"].get(name)
    goal = definitions()[name].get("goal")
    if before is None:
        return None
    return goal if goal is not None and before <= goal else before * SLACK
