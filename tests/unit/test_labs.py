# The labs without an emulator: what is handed out, and how a check tells of what is wrong.
"""Tests of the labs on T0; tests/boot/test_lab_cycles.py has their full cycle."""

import doctest
import json
from pathlib import Path

import pytest
from lab_copies import broken, copy_of, hosted
from typer.testing import CliRunner

from pyhv import command, labs
from pyhv.errors import Failure, TookTooLong
from pyhv.labs import bench, checking, copies
from pyhv.labs.bench import Bench
from pyhv.labs.catalog import find
from pyhv.labs.judge import judge
from pyhv.paths import ROOT, chapters

NAMES = [lab.name for lab in labs.all_labs()]
COMPILED = [lab.name for lab in labs.all_labs() if lab.is_compiled]
SEEDS = (2, 3, 4, 5, 6, 7)


@pytest.fixture
def copy(tmp_path):
    """Make a copy of a lab, or ours of its files in its place."""
    return lambda name, *, solved=False: copy_of(name, tmp_path, solved=solved)


def hv(*words: str):
    return CliRunner().invoke(command.app, words)


# What is there


def test_the_first_chapters_have_two_labs_each_and_one_for_a_guest():
    for chapter in ("boot", "domains", "grants", "events"):
        there = [lab for lab in labs.all_labs() if lab.chapter == chapter]
        assert len(there) >= 2
        assert any(file.startswith("chapters/") for lab in there for file in lab.files)


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_says_what_it_takes(name):
    (lab,) = find(name)
    assert lab.tier in ("T0", "T1") and lab.difficulty in (1, 2, 3) and 10 <= lab.minutes <= 120
    text = (lab.folder / "lab.md").read_text()
    assert f"{lab.minutes} minutes, difficulty {lab.difficulty} of 3" in text
    assert f"hv check {lab.name}" in text
    assert bool(getattr(lab.points(), "EMULATED", [])) == lab.emulated
    assert name not in chapters()


def test_a_chapter_without_a_lab_and_a_word_that_is_none():
    with pytest.raises(Failure, match="has no lab yet"):
        find("failures")
    with pytest.raises(Failure, match="the labs are: memory-map"):
        find("memory")


# Handing out


@pytest.mark.parametrize("name", COMPILED)
def test_a_copy_has_the_holes_and_nothing_else_is_missing(name, copy):
    lab, where = copy(name)
    ours = [row for file in lab.files for row in (ROOT / file).read_text().splitlines()]
    theirs = [row for file in lab.files
              for row in (where / Path(file).name).read_text().splitlines()]
    given = "\n".join(lab.holes.values()).splitlines()
    assert 5 <= len(ours) - len(theirs) + len(given) <= 100
    assert not [row for row in theirs if row not in ours and row.strip() not in given]
    assert sum("Yours to write" in row for row in theirs) == len(lab.holes)


def test_what_a_reader_wrote_is_never_written_over(copy):
    lab, where = copy("memory-map")
    (where / "loader.cpp").write_text("mine\n")
    assert labs.prepare(lab, where) is False
    assert (where / "loader.cpp").read_text() == "mine\n"
    said = hv("lab", "memory-map", str(where.parent)).output
    assert "is as you left it; to begin anew, move it away, or name another folder" in said


def test_the_command_lists_the_labs_and_hands_out_a_chapters(tmp_path):
    assert [row["Lab"] for row in json.loads(hv("lab", "--json").output)] == NAMES
    listed = hv("lab").output
    assert "Difficulty" in listed and "hv lab NAME hands one out" in listed
    done = json.loads(hv("lab", "domains", str(tmp_path), "--json").output)
    assert {one["lab"] for one in done} == {lab.name for lab in find("domains")}
    assert all(one["new"] and (Path(one["folder"]) / "lab.md").exists() for one in done)


@pytest.mark.parametrize("name", NAMES)
def test_a_variant_is_told_in_the_copys_text(name, tmp_path):
    (lab,) = find(name)
    assert len({lab.text(seed) for seed in range(1, 40)}) > 4
    assert "variant" not in lab.text(1)
    labs.prepare(lab, tmp_path, 7)
    assert f"`hv check {name} --seed 7`" in (tmp_path / "lab.md").read_text()


# Checking


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_fails_with_holes_and_our_source_passes_it(name, copy):
    lab, where = copy(name)
    with_holes = hosted(lab, where)
    assert len(with_holes) == len(lab.points().HOSTED)
    assert not any(point.reached for point in with_holes)
    assert all(point.expected and point.actual and point.hint for point in with_holes)
    lab, where = copy(name, solved=True)
    for seed in ((1,) if lab.is_compiled else (1, 1)):
        assert [point for point in hosted(lab, where, seed) if not point.reached] == []


@pytest.mark.parametrize("name", NAMES)
def test_our_source_is_no_answer_to_a_variant(name, copy):
    lab, where = copy(name, solved=True)
    if lab.is_compiled:
        assert checking._build(lab, where, "hosted", lambda doing: None) is None
    for seed in SEEDS:
        with Bench(lab, where, seed, "svm") as at:
            assert not all(judge(run, at).reached for run in lab.points().HOSTED), seed


def test_each_body_is_worth_a_point(copy):
    """One function right, the others with holes: one point is reached."""
    lab, where = copy("hypercalls")
    holes = (where / "guest.py").read_text()
    ours = ROOT / lab.files[0]
    for name in ("name_your_host", "breathe_out", "breathe_in", "reach_too_far", "crash_politely"):
        (where / "guest.py").write_text(
            f"{holes}\n\nfrom runpy import run_path\n{name} = run_path({str(ours)!r})[{name!r}]\n")
        assert sum(point.reached for point in hosted(lab, where)) == 1, name


def test_a_wrong_answer_shows_what_came(copy):
    lab, where = copy("hypercalls", solved=True)
    text = (where / "guest.py").read_text()
    (where / "guest.py").write_text(text.replace("return version >> 16, version & 0xFFFF",
                                                 "return version & 0xFFFF, version >> 16"))
    first = hosted(lab, where)[0]
    assert (first.expected, first.actual, first.reached) == ("(4, 17)", "(17, 4)", False)
    assert "upper half" in first.hint


@pytest.mark.parametrize(("old", "new", "says"), [
    ("return worst;", "return worst", "error: expected ‘;’ before ‘}’ token"),
    ("Result<> append(", "Result<> append_elsewhere(", "error: ‘append’ was not declared"),
    ("Result<> order_memory_map(", "Result<> order_elsewhere(", "undefined reference to `hv::boot"),
])
def test_what_does_not_compile_is_a_point_with_the_compilers_words(old, new, says, copy):
    lab, where = copy("memory-map", solved=True)
    broken(where, "loader.cpp", old, new)
    checked = labs.check(lab, where)
    first = checked.points[0]
    assert (first.name, first.reached) == ("it compiles", False)
    assert says in first.actual
    assert first.actual.startswith(str(where / "loader.cpp")) or "undefined" in says
    assert {point.actual for point in checked.points[1:]} == {checking.NOT_TRIED}


def test_without_an_emulator_the_hosted_points_are_reached_all_the_same(copy, monkeypatch):
    lab, where = copy("memory-map", solved=True)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(checking, "_stage", lambda lab, copy, stage, *_: [
        checking.Point(stage, "", "", True)])
    checked = labs.check(lab, where)
    assert [point.name for point in checked.points if point.reached] == ["hosted"]
    assert all(point.actual.startswith("not tried: qemu-system-x86_64 is not installed: apt-get")
               for point in checked.points[1:])
    monkeypatch.undo()


def test_a_probe_that_never_ends_is_stopped(copy, monkeypatch):
    lab, where = copy("memory-map", solved=True)
    broken(where, "loader.cpp", "facts.memory_ranges = 0;", "for (;;) asm volatile(\"\");")
    assert checking._build(lab, where, "hosted", lambda doing: None) is None
    monkeypatch.setattr(bench, "scaled", lambda seconds: 1.0)
    with Bench(lab, where, 1, "svm") as at, pytest.raises(TookTooLong, match="after 1 s"):
        at.probe("order\n")
    with Bench(lab, where, 1, "svm") as at:
        point = judge(lab.points().HOSTED[0], at)
        assert point.actual == "it was still running after 1 s" and not point.reached


def test_guests_that_cannot_be_used_are_a_point_that_is_open(copy, monkeypatch):
    lab, where = copy("hypercalls")
    (where / "guest.py").write_text("def x(:\n")
    (point,) = hosted(lab, where)
    assert point.actual == "SyntaxError: invalid syntax" and not point.reached
    monkeypatch.setattr(checking, "scaled", lambda seconds: 2.0)
    (where / "guest.py").write_text("while True:\n    pass\n")
    (point,) = hosted(lab, where)
    assert point.actual == "stopped after 2 s" and not point.reached


def test_what_a_guest_prints_does_not_disturb_its_points(copy, capfd):
    lab, where = copy("hypercalls", solved=True)
    text = (where / "guest.py").read_text()
    (where / "guest.py").write_text(f"{text}\n\nprint('I was here')\n")
    assert all(point.reached for point in hosted(lab, where))
    assert "I was here" in capfd.readouterr().err


def test_a_class_is_graded_folder_by_folder(copy, tmp_path):
    lab, where = copy("hypercalls")
    for reader in ("ann", "ben"):
        labs.prepare(lab, tmp_path / "class" / reader / lab.name)
    (tmp_path / "class" / "cid").mkdir()
    (tmp_path / "class" / "ben" / lab.name / "guest.py").write_text(
        (ROOT / lab.files[0]).read_text())
    done = hv("check", "hypercalls", "--json", str(tmp_path / "class"))
    assert done.exit_code == 1
    graded = json.loads(done.output)
    assert [(Path(one["folder"]).parent.name, one["reached"], one["of"]) for one in graded] == [
        ("ann", 0, 5), ("ben", 5, 5)]
    assert copies.works(lab, tmp_path) == [where]
    of_the_chapter = json.loads(hv("check", "domains", "--json", str(tmp_path / "class")).output)
    assert [one["lab"] for one in of_the_chapter] == ["hypercalls"] * 2
    with pytest.raises(Failure, match="`hv lab hypercalls .*cid` makes one"):
        copies.works(lab, tmp_path / "class" / "cid")


def test_a_check_is_shown_with_expected_and_came(copy, tmp_path):
    copy("hypercalls")
    done = hv("check", "hypercalls", str(tmp_path))
    assert done.exit_code == 1
    assert "Expected" in done.output and "0 of 5 points" in done.output
    assert "host is named: The host's version: the major number is in the upper" in done.output
    assert "no engine 'vms': it is svm or vmx" in str(
        hv("check", "hypercalls", str(tmp_path), "--engine", "vms").exception)


def test_the_session_in_a_labs_text_is_true():
    text = str(find("hypercalls")[0].folder / "lab.md")
    failed, tried = doctest.testfile(text, module_relative=False)
    assert tried and not failed
