# Each chapter's lab, through its whole life: with holes it fails, solved it passes.
"""Tests of the labs, and of what hands them out and checks them."""

import doctest

import pytest

from pyhv import labs
from pyhv.errors import Failure
from pyhv.paths import ROOT, chapters

LABS = [name for name in chapters() if (ROOT / "chapters" / name / "lab.md").exists()]


def solution(chapter):
    return (ROOT / "chapters" / chapter / "lab.py").read_text()


@pytest.mark.parametrize("chapter", LABS)
def test_a_lab_fails_with_holes_and_passes_solved(chapter, tmp_path):
    guests = labs.prepare(chapter, tmp_path)
    with_holes = labs.check(chapter, tmp_path)
    assert with_holes and not any(point.reached for point in with_holes)
    assert all(point.expected and point.hint for point in with_holes)
    assert {point.actual for point in with_holes} == {"this body is yours to write"}

    guests.write_text(solution(chapter))
    for seed in (1, 2, 3):
        wrong = [point for point in labs.check(chapter, tmp_path, seed) if not point.reached]
        assert not wrong


def test_each_body_is_worth_a_point(tmp_path):
    """One function right, the others with holes: one point is reached."""
    holes = labs.blanked(solution("domains"))
    for name in ("name_your_host", "breathe_out", "breathe_in", "reach_too_far", "crash_politely"):
        (tmp_path / labs.GUESTS).write_text(
            f"{holes}\n\nfrom runpy import run_path\n"
            f"{name} = run_path({str(ROOT / 'chapters/domains/lab.py')!r})[{name!r}]\n")
        assert sum(point.reached for point in labs.check("domains", tmp_path)) == 1, name


def test_a_wrong_answer_shows_what_came(tmp_path):
    (tmp_path / labs.GUESTS).write_text(
        solution("domains").replace("return version >> 16, version & 0xFFFF",
                                    "return version & 0xFFFF, version >> 16"))
    first = labs.check("domains", tmp_path)[0]
    assert (first.expected, first.actual, first.reached) == ("(4, 17)", "(17, 4)", False)
    assert "upper half" in first.hint


def test_what_a_reader_wrote_is_never_written_over(tmp_path):
    guests = labs.prepare("domains", tmp_path)
    guests.write_text("mine\n")
    with pytest.raises(Failure, match="is there, and stays as it is"):
        labs.prepare("domains", tmp_path)
    assert guests.read_text() == "mine\n"


def test_guests_that_cannot_be_used_are_a_point_that_is_open(tmp_path, monkeypatch):
    guests = tmp_path / labs.GUESTS
    guests.write_text("def x(:\n")
    (point,) = labs.check("domains", tmp_path)
    assert point.actual == "SyntaxError: invalid syntax" and not point.reached
    monkeypatch.setattr(labs, "scaled", lambda seconds: 2.0)
    guests.write_text("while True:\n    pass\n")
    (point,) = labs.check("domains", tmp_path)
    assert point.actual == "stopped after 2 s" and not point.reached


@pytest.mark.parametrize("chapter", LABS)
def test_the_session_in_a_labs_text_is_true(chapter):
    text = str(ROOT / "chapters" / chapter / "lab.md")
    failed, tried = doctest.testfile(text, module_relative=False)
    assert tried and not failed
