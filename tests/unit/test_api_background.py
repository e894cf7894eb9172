# Machines in the background: many clients at one keeper, and the folders where machines are found.
"""Tests of pyhv.background that need no machine."""

import fcntl
import json
import os
import socket
import threading

import cbor2
import pytest
from fake_dom0 import FakeDom0

import pyhv
from pyhv import errors
from pyhv.background import places
from pyhv.background.server import VERSION, Server
from pyhv.link.frames import frame

HELLO = {"version": 1, "boot": 1, "build": "test", "limit": 4096, "chapters": ["boot"],
         "engine": "svm"}


@pytest.fixture
def dom0():
    return FakeDom0()


@pytest.fixture
def where(dom0, tmp_path):
    with Server(tmp_path / "link", dom0.call, lambda: HELLO):
        yield f"unix:{tmp_path / 'link'}"


def test_a_machine_is_reached_through_its_keeper(where, dom0):
    with pyhv.connect(where) as hv:
        web = hv.create("web", kernel=b"a kernel of mine" * 1000)
        assert dom0.files[dom0.created[0]["kernel"]] == b"a kernel of mine" * 1000
        assert (web.state, hv.hello.engine) == ("alive", "svm")
        web.write(0x1000, bytes(range(256)))
        assert web.read(0x1000, 256) == bytes(range(256))
        with pytest.raises(errors.Refused, match="exists already") as refused:
            hv.create("web")
        assert refused.value.error == "EEXIST"
        with pytest.raises(errors.Refused, match="no such verb"):
            hv.ask("frobnicate")
        with pytest.raises(errors.Refused):
            hv.ask("pause")


def test_two_clients_read_the_same_console_and_take_nothing_from_each_other(where, dom0):
    with pyhv.connect(where) as one, pyhv.connect(where) as other:
        one.create("web")
        dom0.find("web").said = b"hello\n"
        assert one.domains["web"].console.read() == "hello\n"
        assert other.domains["web"].console.read() == "hello\n"
        errors_seen = []

        def ask_often(hv):
            try:
                for _ in range(50):
                    assert hv.domains["web"].state in ("alive", "paused")
            except BaseException as error:
                errors_seen.append(error)

        threads = [threading.Thread(target=ask_often, args=(hv,)) for hv in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors_seen == []


def test_noise_and_half_frames_disturb_nobody(where):
    address = where.removeprefix("unix:")
    with socket.socket(socket.AF_UNIX) as noise:
        noise.connect(address)
        noise.sendall(b"\0\x05\x01abc\0" + bytes(range(256)) * 300)
        with pyhv.connect(where) as hv:
            assert len(hv.domains) == 1


def test_a_client_that_leaves_in_mid_call_is_forgotten(where, dom0):
    waiting, go_on = threading.Event(), threading.Event()

    def hold(verb):
        if verb == "info":
            waiting.set()
            go_on.wait(20)

    dom0.before = hold
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(where.removeprefix("unix:"))
        for number, verb in enumerate(("hello", "info")):
            asked = {"id": number, "session": 1, "do": verb}
            client.sendall(frame(bytes([VERSION]) + cbor2.dumps(asked)))
        assert waiting.wait(20)
    go_on.set()
    with pyhv.connect(where) as other:
        assert len(other.domains) == 1


def test_a_dom0_that_starts_anew_is_told_to_each_client(dom0, tmp_path):
    hello = dict(HELLO)
    with Server(tmp_path / "link", dom0.call, lambda: hello), \
            pyhv.connect(f"unix:{tmp_path / 'link'}") as one, \
            pyhv.connect(f"unix:{tmp_path / 'link'}") as other:
        hello["boot"] = 2
        for hv in (one, other):
            with pytest.raises(errors.LinkRestarted, match=r"reconnect\(\) begins a new session"):
                len(hv.domains)
            hv.reconnect()
            assert len(hv.domains) == 1 and hv.hello.boot == 2


def test_a_keeper_that_is_gone_is_told(dom0, tmp_path):
    with Server(tmp_path / "link", dom0.call, lambda: HELLO):
        hv = pyhv.connect(f"unix:{tmp_path / 'link'}")
    assert not (tmp_path / "link").exists()
    with pytest.raises(errors.LinkLost, match="closed the line|broke"):
        hv.ask("list")


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "BUILD", tmp_path)
    return tmp_path / "run"


def up(home, name):
    """Make the folder of a machine that is up, as long as the file is open."""
    (home / name).mkdir(parents=True)
    lock = (home / name / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def test_a_machine_is_up_as_long_as_its_keeper_lives(home):
    assert places.up() == []
    with up(home, "one"):
        assert [place.name for place in places.up()] == ["one"]
        assert places.choose(None) == places.choose("one")
        with up(home, "two"):
            with pytest.raises(places.NotUp, match="several machines are up: .*one two"):
                places.choose(None)
            with pytest.raises(places.NotUp, match="no machine 'three' is up; there are: one two"):
                places.choose("three")
    assert places.up() == []
    with pytest.raises(places.NotUp, match="no machine is up: hv up boots one"):
        places.choose(None)


def test_a_bochs_in_the_background_says_who_can_be_frozen(where, tmp_path):
    notes = {"emulator": "bochs", "emulator_pid": os.getpid(), "engine": "vmx", "cpus": 1,
             "memory": 512, "image": "hv.elf", "debugger": "debugger"}
    (tmp_path / "machine.json").write_text(json.dumps(notes))
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pyhv.connect(where) as hv:
            assert hv.tier == "T1"
            with pytest.raises(errors.NoDebugger, match=r'pyhv.boot\("vmx"\) owns a Bochs'):
                hv.freeze()
        with pytest.raises(errors.Closed, match="open it again with pyhv.connect"):
            hv.freeze()
    with pyhv.connect(where) as hv, pytest.raises(errors.NotOnThisTier, match="T1 can be frozen"):
        hv.freeze()
