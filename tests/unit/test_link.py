# The link's Python end, against a stand-in for dom0 that loses and garbles what it likes.
"""Tests of frames and of the client that need no emulator."""

import contextlib
import socket
import threading

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyhv.errors import (
    LinkLost,
    LinkRestarted,
    LinkTaken,
    LinkVersion,
    Refused,
    WrongArgument,
)
from pyhv.link import Link
from pyhv.link.frames import Body, Splitter, Text, crc32c, frame, stuff, unstuff
from pyhv.link.transports import open_line
from pyhv.linked.machine import Linked

VERSION = b"\x01"
texts = st.binary(min_size=2, max_size=30).filter(lambda text: 0 not in text)
bodies = st.binary(max_size=600).map(lambda body: VERSION + body)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Cut a stream at some places."""
    places = sorted({cut % (len(stream) + 1) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in zip(places, places[1:], strict=False)]


def taken_apart(splitter: Splitter, parts: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Return the text and the bodies in a stream."""
    found = [each for part in parts for each in splitter.feed(part)]
    text = b"".join(each.data for each in found if isinstance(each, Text))
    return text, [each.data for each in found if isinstance(each, Body)]


@given(st.binary(max_size=2000))
def test_what_is_stuffed_has_no_zero_and_comes_back(data):
    assert 0 not in stuff(data)
    assert unstuff(stuff(data)) == data


@given(st.binary(max_size=300))
def test_anything_can_be_unstuffed_or_refused(data):
    result = unstuff(data)
    assert result is None or len(result) <= len(data)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_checksum_goes_on(data, cut):
    assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


@given(st.lists(st.tuples(st.booleans(), bodies, texts), max_size=6),
       st.lists(st.integers(0, 10_000), max_size=10), st.booleans())
def test_text_and_frames_are_told_apart_in_pieces_of_any_size(parts, cuts, returns):
    stream, text, wanted = b"", b"", []
    for is_frame, body, words in parts:
        if is_frame:
            sent = frame(body)
            stream += sent.replace(b"\n", b"\r\n") if returns else sent
            wanted.append(body)
        else:
            stream += words
            text += words
    assert taken_apart(Splitter(returns=returns), pieces(stream, cuts)) == (text, wanted)


@given(bodies, st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_frame_is_dropped_and_the_next_is_found(body, place, change):
    sent = bytearray(frame(body))
    sent[place % len(sent)] ^= change
    _, found = taken_apart(Splitter(), [bytes(sent) + frame(VERSION + b"next")])
    assert found in ([VERSION + b"next"], [body, VERSION + b"next"])
    if found[0] == body:
        # Only a changed delimiter can leave it whole
        assert place % len(sent) in (0, len(sent) - 1)


@given(st.binary(max_size=200), bodies)
def test_any_garbage_costs_at_most_the_frame_that_it_touches(garbage, body):
    sent = frame(body)
    _, found = taken_apart(Splitter(), [garbage + sent + sent])
    assert found[-1:] == [body]


def test_a_flood_without_an_end_is_not_kept():
    splitter = Splitter(longest=100)
    for _ in range(1000):
        assert splitter.feed(b"\0\x05\x01" + b"x" * 1000) == []
    assert splitter.feed(frame(b"\x01ok")) == [Body(b"\x01ok")]
    assert splitter.damaged >= 999


class StandIn(threading.Thread):
    """Answers as dom0 would, but for what `mishap` does to its frames."""

    def __init__(self, mishap=lambda reply, _: [reply], version=VERSION):
        super().__init__(daemon=True)
        self.ours, self.theirs = socket.socketpair()
        self.mishap, self.version = mishap, version
        self.session, self.replies, self.done = None, {}, []
        self.answers = {"echo": lambda ask: ask["value"]}
        self.start()

    def answer(self, ask):
        """Return the reply to a request, doing it only once."""
        if ask["do"] == "hello":
            self.session, self.replies = ask["session"], {}
            facts = {"version": 1, "boot": 5, "build": "b", "limit": 4096, "chapters": ["boot"]}
            return {"ok": facts | {"engine": "svm"}}
        if ask["session"] != self.session:
            name = "hello" if self.session is None else "taken"
            return {"error": {"name": name, "says": "no"}}
        self.done.append(ask["do"])
        act = self.answers.get(ask["do"])
        if act is None:
            return {"error": {"name": "ENOSYS", "says": "no such verb"}}
        return {"ok": act(ask)}

    def run(self):
        """Serve until the client is gone."""
        splitter, count = Splitter(), 0
        with contextlib.suppress(OSError):
            while data := self.theirs.recv(65536):
                for found in splitter.feed(data):
                    if not isinstance(found, Body):
                        continue
                    ask = cbor2.loads(found.data[1:])
                    known = self.replies.get(ask["id"])
                    reply = known or {"id": ask["id"], **self.answer(ask)}
                    self.replies[ask["id"]] = reply
                    count += 1
                    for part in self.mishap(frame(self.version + cbor2.dumps(reply)), count):
                        self.theirs.sendall(part)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Repeat soon: the stand-in needs no time."""
    monkeypatch.setattr("pyhv.link.client.PATIENCE", 0.02)


def connect(stand_in: StandIn, **more) -> Link:
    return Link.open(stand_in.ours.fileno(), timeout=10, **more)


def test_it_greets_and_asks():
    with connect(StandIn()) as link:
        assert (link.hello.engine, link.hello.limit, link.hello.boot) == ("svm", 4096, 5)
        assert link.call("echo", value=b"\0" * 300) == b"\0" * 300
        assert "svm" in repr(link)


def test_a_refusal_has_xens_name_and_a_line():
    with connect(StandIn()) as link, pytest.raises(Refused, match="no such verb") as caught:
        link.call("frobnicate")
    assert caught.value.error == "ENOSYS"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(["lose", "garble", "double", "halve", "noise", "keep"]),
                min_size=4, max_size=8))
def test_whatever_happens_to_replies_each_request_is_done_once(fates):
    def mishap(reply, count):
        if count > len(fates):
            return [reply]
        return {
            "lose": [], "double": [reply, reply], "halve": [reply[: len(reply) // 2]],
            "garble": [reply[:5] + b"?" + reply[6:]], "noise": [b"\xff\0\x03\x01noise", reply],
            "keep": [reply],
        }[fates[count - 1]]

    stand_in = StandIn(mishap)
    with connect(stand_in) as link:
        assert [link.call("echo", value=number) for number in range(5)] == list(range(5))
    assert stand_in.done == ["echo"] * 5


def test_another_version_is_refused_with_both_numbers():
    with pytest.raises(LinkVersion, match="version 1 .* version 2") as caught:
        connect(StandIn(version=b"\x02"))
    assert (caught.value.ours, caught.value.theirs) == (1, 2)


def test_a_taken_link_can_be_taken_back():
    stand_in = StandIn()
    with connect(stand_in) as link:
        stand_in.session = 77
        with pytest.raises(LinkTaken):
            link.call("echo", value=1)
        link.reconnect()
        assert link.call("echo", value=1) == 1


def test_a_restarted_dom0_is_told_and_can_be_greeted_anew():
    stand_in = StandIn()
    with connect(stand_in) as link:
        stand_in.session = None
        with pytest.raises(LinkRestarted):
            link.call("echo", value=1)
        link.reconnect()
        assert link.call("echo", value=2) == 2


def test_silence_is_told():
    stand_in = StandIn()
    with connect(stand_in) as link:
        stand_in.mishap = lambda reply, count: []
        with pytest.raises(LinkLost, match="did not answer 'echo'"):
            link.call("echo", value=1, timeout=0.2)
        stand_in.mishap = lambda reply, count: [reply]
        assert link.call("echo", value=2) == 2


def test_the_end_of_the_line_is_told():
    stand_in = StandIn()
    link = connect(stand_in)
    stand_in.theirs.shutdown(socket.SHUT_RDWR)
    with pytest.raises(LinkLost, match="closed the line"):
        link.listen(1.0)
    with pytest.raises(LinkLost):
        link.call("echo", value=1)


def test_a_call_that_was_interrupted_leaves_the_link_usable():
    stand_in = StandIn()

    def interrupt(_):
        raise KeyboardInterrupt

    with connect(stand_in, text=interrupt) as link:
        stand_in.mishap = lambda reply, count: [b"text", reply]
        with pytest.raises(KeyboardInterrupt):
            link.call("echo", value=1)
        stand_in.mishap = lambda reply, count: [reply]
        assert link.call("echo", value=2) == 2


def test_console_text_reaches_its_listener():
    heard = []
    stand_in = StandIn(lambda reply, _: [b"dom0> ", reply, b"list\r\n"])
    with connect(stand_in, text=heard.append) as link:
        link.call("echo", value=1)
        while len(b"".join(heard)) < 24:
            link.listen(5.0)
    assert b"".join(heard) == b"dom0> list\r\n" * 2


def test_a_file_is_sent_in_parts_that_dom0_takes():
    stand_in = StandIn()
    got, ends = bytearray(), []
    stand_in.answers |= {
        "file.begin": lambda ask: got.extend(bytes(ask["bytes"])),
        "file.write": lambda ask: got.__setitem__(
            slice(ask["offset"], ask["offset"] + len(ask["data"])), ask["data"]),
        "file.end": lambda ask: ends.append(ask["crc32c"]),
    }
    data = bytes(range(256)) * 50
    with connect(stand_in) as link:
        assert Linked(link, "here").files.send("file", data) == "file"
    assert bytes(got) == data
    assert ends == [crc32c(data)]


def test_a_request_that_is_too_long_is_not_sent():
    with connect(StandIn()) as link, pytest.raises(WrongArgument, match="4096 is the most"):
        link.call("echo", value=bytes(5000))


@pytest.mark.parametrize("where", ["", "web", "tcp:nowhere", "unix:", "tcp:host:port"])
def test_a_name_that_is_no_line_is_refused(where):
    with pytest.raises(WrongArgument, match="unix:PATH"):
        open_line(where, 0.1)


def test_nobody_at_home_is_told(tmp_path):
    with pytest.raises(LinkLost, match="nobody listens"):
        open_line(f"unix:{tmp_path / 'none'}", 0.05)
    with pytest.raises(LinkLost, match="cannot be opened"):
        open_line(str(tmp_path / "none"), 0.05)
