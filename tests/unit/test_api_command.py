# The command hv on a dom0 in Python: what each verb prints, as a table and as JSON.
"""Tests of the command line that need no machine."""

import json
import os
import subprocess
import sys

import pytest
import shellingham
from fake_dom0 import FakeDom0
from typer.testing import CliRunner

from pyhv import command, doctor
from pyhv.background import places
from pyhv.command import reading, shared
from pyhv.errors import Failure
from pyhv.linked.machine import Linked


@pytest.fixture
def dom0(monkeypatch):
    dom0 = FakeDom0()
    monkeypatch.setattr(places, "open_machine", lambda which: Linked(dom0, which or "unix:there"))
    return dom0


def hv(*words: str, typed: str | None = None):
    """Run the command; return its result."""
    return CliRunner().invoke(command.app, words, input=typed)


def as_json(*words: str):
    done = hv(*words, "--json")
    assert done.exit_code == 0, done
    return json.loads(done.output)


@pytest.fixture
def web(dom0):
    assert hv("create", "web", "kernel=hello", "memory=16").output == "web is d1\n"
    return dom0.find("web")


def test_list_is_a_table_and_json_is_what_dom0_said(web):
    said = hv("list").output
    assert "Domain-0" in said and "web" in said and "alive" in said
    rows = as_json("list")
    assert [row["name"] for row in rows] == ["Domain-0", "web"]
    assert rows[1]["memory_kib"] == 16384


def test_create_takes_the_words_of_dom0s_shell(dom0):
    done = as_json("create", "web", "kernel=hello", "memory=32", "vcpus=2", "cmdline=a=b quiet")
    assert done == {"name": "web", "id": 1}
    assert dom0.created == [{"name": "web", "kernel": "hello", "ramdisks": [], "memory": 32,
                             "vcpus": 2, "cmdline": "a=b quiet"}]


@pytest.mark.parametrize(("words", "says"), [
    (["kernel"], "'kernel' is not NAME=VALUE"), (["disk=x"], "no option 'disk': kernel ramdisk"),
    (["kernel=a", "memory=1x"], "'memory=1x' must be a number"), (["memory=1"], "kernel=FILE"),
])
def test_create_refuses_in_one_line(dom0, words, says):
    done = hv("create", "web", *words)
    assert isinstance(done.exception, Failure) and says in done.exception.reason
    assert not dom0.created


def test_the_verbs_do_what_they_say(dom0, web):
    assert as_json("pause", "web") == {"name": "web", "id": 1, "did": "pause"}
    assert web.paused
    assert hv("unpause", "1").exit_code == 0 and not web.paused
    hv("reboot", "web")
    hv("shutdown", "web")
    assert dom0.news == ["web (d1) rebooted: it is d2 now", "web (d2) powered off"]
    assert [row["name"] for row in as_json("list")] == ["Domain-0"]


def test_an_unknown_domain_is_told_with_those_that_exist(web, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["hv", "pause", "wen"])
    with pytest.raises(SystemExit) as ended:
        command.run()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told == "hv: there is no domain 'wen'; there are: Domain-0 (d0), web (d1)\n"


def test_looking(dom0, web):
    assert "I am 12345 bytes" in hv("dmesg").output
    assert as_json("info")["total_kib"] == 512 * 1024
    assert as_json("files") == [{"Name": "hello", "Bytes": 4}]
    assert as_json("store", "ls", "/local") == [
        {"path": "/local", "value": ""}, {"path": "/local/domain", "value": ""},
        {"path": "/local/domain/0", "value": ""},
        {"path": "/local/domain/0/name", "value": "Domain-0"}]
    sections = as_json("inspect", "web")
    assert sections["domain"][0]["Mem"] == 16
    assert sections["registers of v0"][0]["register"] == "rip"
    assert "registers of v0" in hv("inspect", "web").output


def test_top_shows_the_share_of_an_interval(dom0, web):
    calls = []

    def pass_time() -> dict:
        calls.append(1)
        return {"now_ns": 10**9 * len(calls)}

    dom0.do_info = pass_time
    rows = as_json("top", "--interval", "0")
    assert [row["CPU(%)"] for row in rows] == [0.0, 0.0]
    assert rows[1]["State"] == "alive"
    assert "CPU(%)" in hv("top", "--once", "--interval", "0").output


def test_completion_knows_the_domains(dom0, web):
    assert shared.complete_domain("w") == ["web"]
    assert shared.complete_domain("") == ["Domain-0", "web"]


@pytest.mark.parametrize(("typed", "offered"), [
    ("hv pau", "pause"), ("hv lab dom", "domains"), ("hv up --eng", "--engine")])
def test_bash_completes_verbs_and_more(typed, offered):
    """As bash asks: by the variables that the script of `hv --show-completion bash` sets."""
    program = [sys.executable, "-c", "from pyhv.command import app; app(prog_name='hv')"]
    asked = os.environ | {"_HV_COMPLETE": "complete_bash", "COMP_WORDS": typed,
                          "COMP_CWORD": str(typed.count(" ")),
                          "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(program, env=asked, capture_output=True, text=True, check=False)
    assert offered in done.stdout.split()


def test_bash_completes_a_domains_name(dom0, web, monkeypatch):
    monkeypatch.setenv("_HV_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "hv pause w")
    monkeypatch.setenv("COMP_CWORD", "2")
    done = CliRunner().invoke(command.app, [], prog_name="hv")
    assert done.output.split() == ["web"]


def test_the_script_for_the_shell_can_be_shown(monkeypatch):
    # The shell that started this, as typer finds it; there may be none
    monkeypatch.setattr(shellingham, "detect_shell", lambda: ("bash", "/bin/bash"))
    done = CliRunner().invoke(command.app, ["--show-completion"], prog_name="hv")
    assert "_HV_COMPLETE=complete_bash" in done.output


def test_completion_is_silent_where_nothing_is_up(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "BUILD", tmp_path)
    assert shared.complete_domain("w") == [] and shared.complete_machine("") == []


def test_without_a_machine_one_line_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "BUILD", tmp_path)
    for words in (["list"], ["down"]):
        done = hv(*words)
        assert done.exception.reason == "no machine is up: hv up boots one"
    assert hv("list", "-m", "blue").exception.reason.startswith("no machine 'blue' is up")
    assert as_json("machines") == []


@pytest.mark.parametrize(("words", "says"), [
    (["--engine", "arm"], "it is svm or vmx"), (["--cpus", "9"], "a machine has 1 to 8"),
    (["--memory", "8"], "a machine has 32 MiB or more"), (["--name", "a b"], "letters, digits"),
    (["--counted", "--engine", "vmx"], "counted=True is QEMU's"),
    (["--through", "boot"], "has no dom0 that could answer"), (["--through", "x"], "the chapters"),
    (["--file", "a"], "NAME=PATH"),
])
def test_up_refuses_in_one_line(words, says):
    assert says in hv("up", *words).exception.reason


def test_the_book_and_the_notebooks(monkeypatch, tmp_path):
    page = tmp_path / "index.html"
    page.touch()
    monkeypatch.setattr(reading, "BOOK", page)
    assert as_json("book") == {"book": str(page)}
    printed = tmp_path / "subfloor.pdf"
    printed.touch()
    monkeypatch.setattr(reading, "PRINTED", printed)
    assert as_json("book", "--pdf") == {"book": str(printed)}
    monkeypatch.setattr(reading, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(reading.importlib.util, "find_spec", lambda name: None)
    assert "pip install './pyhv[notebooks]'" in hv("notebook").exception.reason
    monkeypatch.setattr(reading.importlib.util, "find_spec", lambda name: name)
    assert "there is no 'x' in" in hv("notebook", "x").exception.reason


def test_help_teaches_and_names_every_verb():
    said = hv("--help").output
    for verb in ("up down list create console pause unpause shutdown reboot destroy dmesg top "
                 "inspect notebook lab check doctor book").split():
        assert f" {verb} " in said
    assert "hv create web kernel=linux" in said
    assert doctor.__name__  # its own tests are in test_doctor.py


def test_what_domains_share_and_who_owes_the_next_move(dom0, web):
    dom0.tables[1] = bytes(8 * 42) + bytes.fromhex("1900 0200 10010000") + bytes(8)
    dom0.ports[1] = [{"port": 3, "status": 2, "vcpu": 0, "pending": True, "masked": False,
                      "remote": 0, "remote_port": 5}]
    assert "0x110" in hv("grants").output and "rw" in hv("grants", "web").output
    promise, = as_json("grants", "1")
    assert (promise["ref"], promise["grantee"], promise["frame"]) == (42, 2, 0x110)
    assert "d0 port 5" in hv("events").output and "yes" in hv("events", "web").output
    assert as_json("events", "1")[0]["pending"] is True
    assert as_json("grants", "0") == as_json("events", "0") == []
    assert "d1 owes the next move: port 3 (d0 port 5) is pending" in hv("why", "web").output
    told = as_json("why", "1")
    assert (told["owes"], told["domain"], told["held"][0]["ref"]) == ("d1", 1, 42)
