# What boot refuses before any emulator starts, and what is missing.
"""Tests of `pyhv.boot` that start no machine."""

import pytest

import pyhv
from pyhv import errors
from pyhv.booted import prepare


@pytest.mark.parametrize(("wish", "says"), [
    ({"engine": "arm"}, "engine='arm': it is svm or vmx"),
    ({"cpus": 0}, "a machine has 1 to 8"), ({"memory": 16}, "a machine has 32 MiB or more"),
    ({"counted": True, "cpus": 2}, "counted=True is QEMU's, emulating one pCPU"),
    ({"through": "wash"}, "the chapters are boot domains"),
    ({"through": "boot"}, "has no dom0 that could answer: .*domains is the first that has one"),
])
def test_a_machine_that_cannot_be_is_one_line(wish, says):
    with pytest.raises(errors.WrongArgument, match=says):
        pyhv.boot(**wish)


@pytest.mark.parametrize(("engine", "says"), [
    ("svm", "qemu-system-x86_64 is not installed: apt-get install qemu-system-x86"),
    ("vmx", "bochs is not installed: apt-get install bochs-term"),
])
def test_a_missing_emulator_is_named_with_its_package(engine, says, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.NotInstalled, match=says):
        pyhv.boot(engine)


def test_an_unknown_guest_is_told_with_those_that_exist(tmp_path):
    guests = tmp_path / "chapters" / "module"
    guests.mkdir(parents=True)
    (guests / "hello").touch()
    with pytest.raises(errors.WrongArgument, match="no guest 'helo'; there are: hello linux"):
        prepare.write_module(prepare.Wish(guests=["helo"]), tmp_path, tmp_path / "module")


def test_a_line_that_nobody_listens_at():
    with pytest.raises(errors.WrongArgument, match="names no line: unix:PATH, tcp:HOST:PORT"):
        pyhv.connect("somewhere")
    with pytest.raises(errors.LinkLost, match="cannot be opened"):
        pyhv.connect("/dev/ttyNone")
