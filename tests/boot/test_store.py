# The store from outside: hv's verbs, its socket, and a program that knows Xen's xenstored.
"""`hv store` on a machine in the background."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from test_hv import PROGRAM, hv

from pyhv.background import places
from pyhv.paths import ROOT
from pyhv.speed import scaled

pytestmark = pytest.mark.events

NAME = "test-store"
ENVIRONMENT = {"PYTHONPATH": str(ROOT / "pyhv" / "src"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@pytest.fixture(scope="module")
def up():
    done = hv("up", "--name", NAME, "--memory", "256", "--guest", "hello")
    assert done.returncode == 0, done.stderr + done.stdout
    yield
    if places.place(NAME).is_up():
        hv("down", NAME)


def store(*words: str) -> subprocess.CompletedProcess[str]:
    return hv("store", *words, "--machine", NAME)


def beside(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*PROGRAM, "store", *words, "--machine", NAME], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)


@pytest.fixture
def door(up, tmp_path):
    """The path of a socket at which the store can be visited."""
    path = tmp_path / "store"
    serving = subprocess.Popen([*PROGRAM, "store", "--socket", str(path), "--machine", NAME],
                               text=True, stdout=subprocess.PIPE, env=ENVIRONMENT)
    assert serving.stdout.readline() == f"the store is at {path}; Ctrl-C ends it\n"
    yield path
    serving.send_signal(signal.SIGINT)
    assert serving.wait(scaled(20)) == 0
    assert not path.exists()


def test_entries_are_written_read_listed_and_removed(up):
    assert store("write", "/tool/a", "some text").returncode == 0
    assert store("read", "/tool/a").stdout == "some text\n"
    assert "/tool/a" in store("ls", "/tool").stdout
    assert "/local/domain/0/name" in store().stdout
    assert store("rm", "/tool").returncode == 0
    gone = store("read", "/tool/a")
    assert (gone.returncode, gone.stderr) == (1, "hv: the store has no entry /tool/a\n")


def test_changes_are_shown_as_they_come(up):
    watching = beside("watch", "/tool/watched", "--count", "3")
    assert watching.stdout.readline() == "/tool/watched is gone\n"
    store("write", "/tool/watched/b", "1")
    assert watching.stdout.readline() == "/tool/watched/b = '1'\n"
    store("rm", "/tool/watched")
    assert watching.stdout.readline() == "/tool/watched is gone\n"
    assert watching.wait(scaled(20)) == 0
    odd = store("watch", "no path")
    assert odd.returncode == 1 and "a path begins with /" in odd.stderr


def test_a_program_that_knows_xenstored_finds_one(door):
    done = subprocess.run(
        ["/usr/bin/python3", Path(__file__).with_name("pyxs_visit.py"), door],
        capture_output=True, text=True, check=False, timeout=scaled(120))
    assert done.stdout == "as xenstored\n", done.stderr


def test_who_speaks_nonsense_is_shown_out_alone(door):
    with socket.socket(socket.AF_UNIX) as program, socket.socket(socket.AF_UNIX) as other:
        for each in (program, other):
            each.settimeout(scaled(20))
            each.connect(os.fspath(door))
        program.sendall(b"\xff" * 64)
        assert program.recv(1) == b""
        other.sendall(bytes([2, *[0] * 11, 7, 0, 0, 0]) + b"/tool2\0")
        assert other.recv(4) == bytes([16, 0, 0, 0])  # XS_ERROR: there is no such entry


def test_a_socket_is_made_only_where_nothing_is(up, tmp_path):
    (tmp_path / "here").write_text("mine")
    done = store("--socket", str(tmp_path / "here"))
    assert done.returncode == 1 and "Address already in use" in done.stderr
    assert (tmp_path / "here").read_text() == "mine"


def test_comings_and_goings_are_told(up):
    watching = beside("watch", "@introduceDomain", "--count", "2")
    assert watching.stdout.readline() == "@introduceDomain\n"
    assert hv("create", "web", "kernel=hello", "memory=16", "--machine", NAME).returncode == 0
    assert watching.stdout.readline() == "@introduceDomain\n"
    hv("destroy", "web", "--machine", NAME)


def test_a_door_closes_with_its_machine(up, tmp_path):
    """The last of this file: the machine is down after it."""
    path = tmp_path / "store"
    serving = beside("--socket", str(path))
    assert "the store is at" in serving.stdout.readline()
    assert hv("down", NAME).returncode == 0
    said = serving.communicate(timeout=scaled(20))[1]
    assert serving.returncode == 1 and said.startswith("hv: "), said
    assert not path.exists()
