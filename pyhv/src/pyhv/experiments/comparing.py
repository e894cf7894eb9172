# Whether an experiment was the same again: to the byte where its tier is exact, else up to numbers.
"""Compare two runs of one experiment."""

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from pyhv.experiments.folder import Folder

NUMBER = re.compile(r"\b0x[0-9a-f]+\b|\d+")
EXACT = "to the byte"
BUT_FOR_NUMBERS = "line by line, but for the numbers in them"
"""How far two runs can be the same: see the book's page on driving."""


@dataclass(frozen=True)
class Verdict:
    """Whether a replay was the same, by which measure, and what to know about it.

    `first_difference` is the first line that differs, with both readings; `made_of` names what the
    two were not both made of.
    """

    same: bool
    measure: str
    first_difference: str
    made_of: list[str]


def measures_of(record: dict[str, Any]) -> list[str]:
    """Return how far the tier can repeat itself, the strictest measure first.

    T0 is exact. A counted T1 is so as long as QEMU's other threads are quiet: where one of them
    moves the clock's calibration by some millionths, the numbers that follow from it differ.
    """
    if record["tier"] == "T0":
        return [EXACT]
    counted = record["arguments"].get("counted", False)
    return [EXACT, BUT_FOR_NUMBERS] if counted else [BUT_FOR_NUMBERS]


def first_difference(name: str, before: str, now: str, measure: str) -> str:
    r"""Return the first line that differs, or "" where none does.

    >>> first_difference("log", "a 1\nb", "a 2\nc", BUT_FOR_NUMBERS)
    "log, line 2: it was 'b' and is 'c'"
    >>> first_difference("log", "a 1", "a 2", BUT_FOR_NUMBERS)
    ''
    """
    lines = zip_longest(before.splitlines(), now.splitlines())
    for number, (was, is_now) in enumerate(lines, start=1):
        if was == is_now:
            continue
        if measure == EXACT or was is None or is_now is None \
                or NUMBER.sub("#", was) != NUMBER.sub("#", is_now):
            return f"{name}, line {number}: it was {was!r} and is {is_now!r}"
    return ""


def made_of(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what differs between what two runs were made of."""
    told = []
    for part in ("tree", "machine"):
        for key, was in before.get(part, {}).items():
            is_now = now.get(part, {}).get(key)
            if key != "command" and was != is_now:
                told.append(f"{key}: it was {was} and is {is_now}")
    return told


def _as_far_as_both(one: str, other: str) -> list[str]:
    """Return the lines that both have: an emulated machine is stopped when the host has time."""
    count = min(len(one.splitlines()), len(other.splitlines()))
    return ["\n".join(text.splitlines()[:count]) for text in (one, other)]


def compare(before: Folder, now: Folder) -> Verdict:
    """Compare two folders that were made by the same scenario."""
    record, again = before.read(), now.read()
    for measure in measures_of(record):
        difference = _difference(before, now, record["tier"], measure)
        if not difference:
            break
    return Verdict(not difference, measure, difference, made_of(record, again))


def _difference(before: Folder, now: Folder, tier: str, measure: str) -> str:
    """Return the first line of the trace, or else of the log, that differs by the measure."""
    for name in ("trace", "log"):
        old, new = getattr(before, name), getattr(now, name)
        if not old.exists():
            continue
        texts = [old.read_text(), new.read_text() if new.exists() else ""]
        if name == "trace" and tier == "T1":
            texts = _as_far_as_both(*texts)
        if difference := first_difference(name, *texts, measure):
            return difference
    return ""
