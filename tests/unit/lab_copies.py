# A reader's copy of a lab in a test: with holes, or with our source, or with a mistake in it.
"""Copies of labs, and their hosted points."""

from pathlib import Path

from pyhv import labs
from pyhv.labs import checking
from pyhv.labs.catalog import find
from pyhv.paths import ROOT


def copy_of(name: str, folder: Path, *, solved: bool = False) -> tuple[labs.Lab, Path]:
    """Make a copy of a lab, or ours of its files in its place."""
    (lab,) = find(name)
    where = folder / name
    labs.prepare(lab, where)
    if solved:
        for file in lab.files:
            (where / Path(file).name).write_text((ROOT / file).read_text())
    return lab, where


def hosted(lab: labs.Lab, where: Path, seed: int = 1) -> list[labs.Point]:
    """Check the hosted points alone."""
    return checking._stage(lab, where, "hosted", seed, "svm", lambda doing: None)


def broken(where: Path, file: str, old: str, new: str) -> None:
    """Change a copy, where it says `old`."""
    text = (where / file).read_text()
    assert old in text
    (where / file).write_text(text.replace(old, new))
