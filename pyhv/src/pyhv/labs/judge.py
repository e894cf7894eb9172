# Runs the points of a lab, in a process of its own, and prints each as a line of JSON.
"""The judge: `python -m pyhv.labs.judge LAB COPY STAGE SEED ENGINE`."""

import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pyhv.errors import Failure
from pyhv.labs.bench import Bench
from pyhv.labs.catalog import find

MARK = "point: "
"""Begins each line for whoever started the judge; all others are the reader's own."""
STAGES = {"hosted": "HOSTED", "emulated": "EMULATED"}
"""Each stage of a check, and which points of check.py belong to it."""


@dataclass
class Point:
    """One point of a lab: what was expected, what came, and a hint where they differ.

    `details` is what a compiler, a sanitizer or a machine said at length.
    """

    name: str
    expected: str
    actual: str
    reached: bool
    hint: str = ""
    details: str = ""


def name_of(run: Callable[..., Any]) -> str:
    """Return a point's name, as a person reads it."""
    return run.__name__.replace("_", " ")


def judge(run: Callable[[Bench], Iterator[Any]], bench: Bench) -> Point:
    """Run one point: what the reader's work does wrong is what came."""
    bench.die = random.Random(bench.seed)
    point = run(bench)
    expected = next(point)
    details = ""
    try:
        actual = next(point)
    except NotImplementedError as hole:
        actual = str(hole)
    except Failure as failure:
        actual, details = failure.reason, failure.details
    except Exception as mistake:
        actual = f"{type(mistake).__name__}: {mistake}"
    reached = expected == actual
    hint = "" if reached else " ".join((run.__doc__ or "").split())
    return Point(name_of(run), str(expected), str(actual), reached, hint, details)


def main(name: str, copy: str, stage: str, seed: str, engine: str) -> None:
    """Run all points of a stage."""
    (lab,) = find(name)
    points = getattr(lab.points(), STAGES[stage])
    with Bench(lab, Path(copy), int(seed), engine) as bench:
        if not lab.is_compiled:
            bench.guests  # noqa: B018  what cannot be used at all fails here
        for run in points:
            print(MARK + json.dumps(asdict(judge(run, bench))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
