# The command hv on a real machine in the background: up, used by several, down.
"""`hv up`, `hv list`, `hv down`, `hv record`, as processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import pyhv
from pyhv import errors
from pyhv.api.waiting import waiting
from pyhv.background import places
from pyhv.paths import ROOT

pytestmark = pytest.mark.events

NAME = "test-hv"
PROGRAM = [sys.executable, "-c", "from pyhv.command import run; run()"]


def hv(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], input=typed, capture_output=True, text=True,
                          check=False, env={"PYTHONPATH": str(ROOT / "pyhv" / "src"),
                                            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def as_json(*words: str):
    done = hv(*words, "--machine", NAME, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def up():
    done = hv("up", "--name", NAME, "--memory", "256", "--guest", "hello", "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    yield json.loads(done.stdout)
    if places.place(NAME).is_up():
        hv("down", NAME)


def test_it_is_listed_and_cannot_be_up_twice(up):
    assert up["emulator"] == "qemu" and NAME in [place.name for place in places.up()]
    again = hv("up", "--name", NAME)
    assert again.returncode == 1
    assert again.stderr == (f"hv: a machine {NAME} is up already: choose another --name, or hv "
                            f"down {NAME}\n")


def test_a_domain_from_create_to_destroy(up):
    assert as_json("create", "web", "kernel=hello", "memory=16")["name"] == "web"
    assert [row["name"] for row in as_json("list")] == ["Domain-0", "web"]
    said = hv("console", "web", "--machine", NAME, typed="\n").stdout
    assert "hello: I am awake" in said
    assert as_json("pause", "web")["did"] == "pause"
    assert as_json("inspect", "web")["domain"][0]["State"] == "paused"
    # Python beside it, as another client of the same keeper
    with pyhv.connect(up["link"]) as beside:
        assert beside.domains["web"].state == "paused"
        assert [row["name"] for row in as_json("list")] == ["Domain-0", "web"]
    assert any("d1" in sentence for sentence in as_json("narrate"))
    assert {"Name", "CPU(%)"} <= set(as_json("top", "--interval", "0.2")[0])
    as_json("destroy", "web")
    gone = hv("pause", "web", "--machine", NAME)
    assert (gone.returncode, gone.stderr) == (
        1, "hv: there is no domain 'web'; there are: Domain-0 (d0)\n")


def test_a_machine_in_the_background_can_be_frozen(up):
    made = as_json("create", "cold", "kernel=hello", "memory=16")
    with pyhv.connect(up["link"]) as beside:
        assert beside.tier == "T1"
        with beside.freeze() as frozen:
            assert frozen.domains[made["id"]].life == "alive"
            with pytest.raises(errors.Frozen, match="nobody in it can list"):
                beside.domains["cold"]
        assert beside.domains["cold"].p2m.walk(0x1000).mpa is not None
        with beside.breakpoint("hv::destroy", lambda hit: hit.breakpoint.remove()) as here:
            beside.domains["cold"].pause()
            assert here.hits == 0
    seen = as_json("inspect", "cold", "--frozen")
    assert seen["domain"][0]["ID"] == made["id"] and seen["registers of v0"]
    assert as_json("inspect", str(made["id"]), "--frozen")["vCPUs"][0]["State"] == "paused"
    as_json("destroy", "cold")


def test_a_machine_in_the_background_survives_a_reset(up):
    as_json("create", "web", "kernel=hello", "memory=16")
    with pyhv.connect(up["link"]) as beside:
        before = beside.hello.boot
        assert as_json("reset") == {"did": "reset"}
        assert [row["name"] for row in as_json("list")] == ["Domain-0"]
        with pytest.raises(errors.LinkRestarted, match="started anew"):
            len(beside.domains)
        beside.reconnect()
        assert len(beside.domains) == 1 and beside.hello.boot != before
        assert beside.create("web").console.expect("hello: I am awake")
    as_json("destroy", "web")


def test_down_leaves_nothing_but_its_log(up):
    pids = [up["pid"], up["emulator_pid"]]
    assert as_json("down")["down"] == [NAME]
    for _ in waiting(10):
        if not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
            break
    else:
        pytest.fail(f"of {pids}, some still run")
    place = places.place(NAME)
    assert not place.is_up() and not place.link.exists()
    assert "I run." in place.log.read_text()
    none = hv("list", "--machine", NAME)
    assert none.returncode == 1 and none.stderr.startswith(f"hv: no machine '{NAME}' is up")


def test_a_machine_that_refuses_to_start_says_why():
    done = hv("up", "--name", f"{NAME}-small", "--memory", "64", "--guest", "hello")
    assert done.returncode == 1
    assert "hv: I cannot go on: dom0 wants the" in done.stderr
    assert not places.place(f"{NAME}-small").is_up()


def test_an_emulated_experiment_repeats_itself(tmp_path):
    folder = tmp_path / "one"
    done = hv("record", str(folder), "--tier", "T1", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["machine"]["emulator"] == "qemu" and made["machine"]["model"] == "EPYC"
    assert "-icount" in made["machine"]["command"] and len(made["machine"]["module"]) == 64
    assert "hello: second 2" in (folder / "log.txt").read_text()
    assert '"domain_created"' in (folder / "trace.jsonl").read_text()
    again = hv("replay", str(folder))
    # QEMU's other threads can move the clock's calibration on a busy machine
    assert again.returncode == 0
    assert again.stdout in ("the same, to the byte\n",
                            "the same, line by line, but for the numbers in them\n")
