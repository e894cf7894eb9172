# The driver of the emulators, tried on a shell command that stands in for one.
"""Tests of the driver that need no emulator."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pyhv import bochs, qemu
from pyhv.emulator import Emulator, readable
from pyhv.errors import Failure, WrongArgument
from pyhv.machine import Machine

ECHO = "echo up; while read -r line; do [ \"$line\" = off ] && exit 7; echo \"<$line>\"; done"


@pytest.fixture
def stand_in(monkeypatch):
    def command(machine, serial, iso):
        if serial == qemu.BY_HAND:
            return ["sh", "-c", "by hand"]
        terminal = serial[1].rpartition("=")[2]
        return ["bash", "-c", f"exec <{terminal} >{terminal}; {ECHO}"]

    monkeypatch.setattr(qemu, "command", command)
    with Emulator(Machine()) as emulator:
        yield emulator


def test_it_hears_and_speaks(stand_in):
    stand_in.expect("up", 5)
    stand_in.send("a\n")
    assert stand_in.expect(r"<(\w)>", 5)[1] == "a"
    assert "up" in stand_in.log


def test_it_sees_the_end_and_its_status(stand_in):
    stand_in.send("off\n")
    assert stand_in.expect_end(5) == 7


def test_a_failure_shows_log_and_command(stand_in):
    stand_in.expect("up", 5)
    with pytest.raises(Failure, match="waited .* for 'never'") as caught:
        stand_in.expect("never", 0.1)
    assert "up" in caught.value.details
    assert "by hand" in caught.value.details


def test_an_early_end_is_told_from_a_long_wait(stand_in):
    stand_in.send("off\n")
    with pytest.raises(Failure, match="the emulator ended before it said 'never'"):
        stand_in.expect("never", 5)


def test_stop_leaves_no_process(stand_in):
    stand_in.expect("up", 5)
    stand_in.stop()
    with pytest.raises(ProcessLookupError):
        os.killpg(stand_in.process.pid, 0)
    started = time.monotonic()
    stand_in.stop()
    assert time.monotonic() - started < 5


def test_an_emulated_machine_stays_on_one_core(stand_in):
    assert len(os.sched_getaffinity(stand_in.process.pid)) == 1
    assert stand_in.command_by_hand == "taskset -c 0 sh -c 'by hand'"
    with Emulator(Machine(accel="kvm")) as nested:
        assert os.sched_getaffinity(nested.process.pid) == os.sched_getaffinity(0)


def test_the_link_goes_over_a_line_that_the_emulator_has():
    assert (Machine().line, Machine(engine="vmx").line) == ("virtio", "com2")
    link = Machine(image=Path("hv.elf"), link=Path("link"), link_over="com2")
    assert "isa-serial,index=1,chardev=link" in qemu.command(link, qemu.NO_SERIAL, None)
    with pytest.raises(WrongArgument, match="link_over='virtio': in bochs the link goes over com2"):
        bochs.command(replace(link, engine="vmx", link_over="virtio"), bochs.BY_HAND, Path("iso"))


def test_a_readable_log_has_no_cursor_movements():
    assert readable("\x1b[2J\x1b[01;01Ha\r\n\x1b[0mb") == "a\nb"
