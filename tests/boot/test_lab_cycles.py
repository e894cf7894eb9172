# Each lab's full cycle: with holes it fails, with the solution it passes, on both engines.
"""Tests of the labs with their emulated points, and of their variants."""

import time
from pathlib import Path

import pytest

from pyhv import labs
from pyhv.labs import checking
from pyhv.labs.bench import Bench
from pyhv.labs.judge import judge
from pyhv.paths import ROOT
from pyhv.speed import scaled

PROMISED = 60.0
"""Seconds that a check may take on SVM."""


def of_chapter(lab: labs.Lab, *values):
    return pytest.param(lab, *values, marks=getattr(pytest.mark, lab.chapter), id=lab.name)


EVERY = [of_chapter(lab) for lab in labs.all_labs()]
EMULATED = [of_chapter(lab) for lab in labs.all_labs() if lab.emulated]

# For one seed of each lab, which an instructor leaves out, its answer: what becomes of our source.
SEED = 2
ANSWERS = {
    "memory-map": [
        ("severity(range) > severity(*worst)", "range.bytes < worst->bytes"),
        ("last.kind == stretch.kind", "last.usable() && stretch.usable()"),
    ],
    "start-info": [
        ("bytes += line->size", "bytes = line->size > bytes ? line->size : bytes"),
        ("sum += byte", "sum ^= byte"),
    ],
    "elf-notes": [
        ("while (!has_entry_ && fits", "while (fits"),
        # A note of 4 bytes may follow one of 8
        ("__builtin_memcpy(&entry_, ", "entry_ = 0; __builtin_memcpy(&entry_, "),
    ],
    "interrupts": [
        ("(at(spurious) & software_enabled) && waiting >> 4 > floor",
         "(at(spurious) & software_enabled) && serving < 0 && waiting > floor"),
        ("std::max(static_cast<int>(at(task_priority) & 0xff), serving) >> 4",
         "static_cast<int>(at(task_priority) & 0xff)"),
    ],
    "hypercalls": [
        ("(first + i)", "(first + 2 * i)"),
        ("(first + count - 1)", "(first + 2 * (count - 1))"),
        ("SHUTDOWN_crash", "SHUTDOWN_poweroff"),
    ],
    "promises": [
        ("REFERENCE = 42", "REFERENCE = 484"),
        ('"source_offset": 0', '"source_offset": 512'),
        ('"len": PAGE', '"len": PAGE - 512'),
    ],
    "pins": [
        ("count == Pin::most", "pin.readers + pin.writers == 3"),
        ("write && pin.writers == 0 ? GTF_writing : 0", "pin.held() ? 0 : GTF_writing"),
    ],
    "doorbell": [
        ("board.pending[word].clear(bit_of(port));\n            serve",
         "board.mask[word].set(bit_of(port));\n            "
         "board.pending[word].clear(bit_of(port));\n            serve"),
    ],
    "ring": [
        ("count <= table_size - first;", "count <= table_size - first && first % 2 == 0;"),
        ("0 : invalid", "0 : -5"),
    ],
    "wake": [
        ("most_polled = 128", "most_polled = 27"),
        ("    for (u32 i = 0; i < count; ++i) {\n",
         "    bool found = false;\n    for (u32 i = 0; i < count; ++i) {\n"),
        ("if (events.abi->is_pending(call.domain, port))\n            return true;",
         "found |= events.abi->is_pending(call.domain, port);"),
        ("return false;\n}\n\n/// An interrupt", "return found;\n}\n\n/// An interrupt"),
        ("if (set(words.pending, port))\n        return;", "set(words.pending, port);"),
    ],
}


def solve(lab: labs.Lab, where: Path, changes: list[tuple[str, str]]) -> None:
    """Put our source into a copy, changed."""
    texts = {file: (ROOT / file).read_text() for file in lab.files}
    for old, new in changes:
        assert any(old in text for text in texts.values())
        texts = {file: text.replace(old, new) for file, text in texts.items()}
    for file, text in texts.items():
        (where / Path(file).name).write_text(text)


def check_in_time(lab: labs.Lab, where: Path, seed: int = 1) -> labs.Checked:
    started = time.monotonic()
    checked = labs.check(lab, where, seed)
    assert time.monotonic() - started < scaled(PROMISED)
    return checked


@pytest.mark.parametrize("lab", EVERY)
def test_a_lab_fails_with_holes_and_passes_solved(lab, image, tmp_path):
    image()  # what a reader has built by the tour
    assert labs.prepare(lab, tmp_path)
    with_holes = check_in_time(lab, tmp_path)
    assert with_holes.reached == 0 and len(with_holes.points) > 4
    solve(lab, tmp_path, [])
    assert [point for point in check_in_time(lab, tmp_path).points if not point.reached] == []


@pytest.mark.parametrize("lab", EMULATED)
def test_a_lab_passes_on_vmx_in_bochs(lab, tmp_path):
    labs.prepare(lab, tmp_path)
    solve(lab, tmp_path, [])
    checked = labs.check(lab, tmp_path, engine="vmx")
    assert [point for point in checked.points if not point.reached] == []


@pytest.mark.parametrize("lab", EVERY)
def test_a_variant_is_passed_by_its_own_answer_alone(lab, tmp_path):
    labs.prepare(lab, tmp_path, SEED)
    solve(lab, tmp_path, [])
    assert not labs.check(lab, tmp_path, SEED).whole
    solve(lab, tmp_path, ANSWERS[lab.name])
    checked = check_in_time(lab, tmp_path, SEED)
    assert [point for point in checked.points if not point.reached] == []
    assert not labs.check(lab, tmp_path).whole


@pytest.mark.boot
def test_a_machine_that_gives_up_is_what_came(tmp_path):
    """The emulated points, tried on holes: the machine's own words, as soon as they are said."""
    (lab,) = labs.find("memory-map")
    labs.prepare(lab, tmp_path)
    assert checking._build(lab, tmp_path, "emulated", lambda doing: None) is None
    with Bench(lab, tmp_path, 1, "svm") as bench:
        points = [judge(run, bench) for run in lab.points().EMULATED]
    assert not any(point.reached for point in points)
    assert points[0].actual.startswith("0 MiB of RAM")
    assert "I cannot go on: 0 MiB of RAM are too little" in points[1].actual
    assert "to repeat it by hand" in points[1].details
