# Experiments: recorded, replayed, and told apart; and what a full disk leaves.
"""Tests of `hv record` and `hv replay` on the hosted tier."""

import errno
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyhv import command
from pyhv.errors import Failure
from pyhv.experiments import comparing
from pyhv.experiments.folder import Folder


def hv(*words: object):
    return CliRunner().invoke(command.app, [str(word) for word in words])


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    here = tmp_path / "one"
    assert hv("record", here, "--seed", 7).exit_code == 0
    return here


def test_a_record_names_what_it_was_made_of(recorded):
    record = json.loads((recorded / "record.json").read_text())
    assert record["arguments"] == {"seed": 7, "cpus": 1, "memory": 64}
    assert len(record["machine"]["image"]) == 64
    assert set(record["tree"]) == {"commit", "changed", "locks", "python"}
    assert "pyhv/requirements.lock" in record["tree"]["locks"]
    events = [json.loads(line) for line in (recorded / "trace.jsonl").read_text().splitlines()]
    assert "doorbell_given" in [event["event"] for event in events]
    assert "I made room for d2" in (recorded / "log.txt").read_text()


def test_a_replay_is_the_same_to_the_byte(recorded, tmp_path):
    done = hv("replay", recorded, "--keep", tmp_path / "two")
    assert (done.exit_code, done.output) == (0, "the same, to the byte\n")
    for name in ("trace.jsonl", "log.txt", "scenario.py"):
        assert (recorded / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_is_another_run(recorded):
    record = json.loads((recorded / "record.json").read_text())
    record["arguments"]["seed"] = 8
    record["tree"]["python"] = "2.7"
    (recorded / "record.json").write_text(json.dumps(record))
    done = hv("replay", recorded)
    assert done.exit_code == 1
    assert "made of something else: python: it was 2.7" in done.output
    assert "not the same, to the byte. trace, line " in done.output
    told = json.loads(hv("replay", recorded, "--json").output)
    assert told["same"] is False and told["measure"] == comparing.EXACT


def test_what_a_scenario_breaks_is_kept_with_what_came_before(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("def run(hv):\n    hv.create('web')\n    raise ValueError('a mistake')\n")
    done = hv("record", tmp_path / "one", broken)
    assert isinstance(done.exception, ValueError)
    assert "domain_created" in (tmp_path / "one" / "trace.jsonl").read_text()
    assert Folder(tmp_path / "one").read()["lost"] == 0


@pytest.mark.parametrize(("file", "text", "says"), [
    ("a.py", "x = 1", "defines no run"), ("a.rc", "list\n", "lacks a line `# until: PATTERN`"),
    ("a.sh", "list\n", "a scenario is a file of Python"),
])
def test_a_scenario_that_is_none(tmp_path, file, text, says):
    (tmp_path / file).write_text(text)
    assert says in hv("record", tmp_path / "one", tmp_path / file).exception.reason


def test_folders_that_cannot_be(recorded, tmp_path):
    assert "is not empty" in hv("record", recorded).exception.reason
    assert "holds no record.json" in hv("replay", tmp_path / "none").exception.reason
    (recorded / "record.json").write_text("{")
    assert "is damaged" in hv("replay", recorded).exception.reason
    (recorded / "record.json").write_text("{}")
    assert "is not of format 1" in hv("replay", recorded).exception.reason


def test_a_full_disk_gets_one_line_and_loses_nothing_written(tmp_path):
    folder = Folder(tmp_path / "one")
    folder.begin()
    folder.note({"tier": "T0"})
    folder.log.symlink_to("/dev/full")  # every write to it fails as on a full disk
    with pytest.raises(Failure, match="the disk is full: .* keeps what was recorded until then"):
        folder.write_log("too late")
    rows = iter([{"event": "one"}, {"event": "two"}])

    def until_full():
        yield from rows
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Failure, match="the disk is full"):
        folder.write_trace(until_full())
    assert len(folder.trace.read_text().splitlines()) == 2
    assert folder.read() == {"format": 1, "tier": "T0"}


def test_a_record_that_does_not_fit_leaves_the_old_one(tmp_path):
    folder = Folder(tmp_path / "one")
    folder.begin()
    folder.note({"tier": "T0"})
    folder.record.with_suffix(".partial").symlink_to("/dev/full")
    with pytest.raises(Failure, match="the disk is full"):
        folder.note({"tier": "T1"})
    assert folder.read()["tier"] == "T0"


def test_numbers_may_differ_where_time_is_not_counted():
    was = "I keep 0x10 frames\nsecond 1\n"
    measure = comparing.BUT_FOR_NUMBERS
    assert comparing.first_difference("log", was, "I keep 0xff frames\nsecond 12\n", measure) == ""
    told = comparing.first_difference("log", was, was + "more\n", measure)
    assert told == "log, line 3: it was None and is 'more'"
    assert comparing.measures_of({"tier": "T1", "arguments": {"counted": True}}) == [
        comparing.EXACT, measure]
    assert comparing.measures_of({"tier": "T1", "arguments": {"counted": False}}) == [measure]
