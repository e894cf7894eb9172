# A guest's console over the link: reading, typing, waiting, and what is lost.
"""Tests of consoles that need no machine."""

import pytest
from fake_dom0 import RING, FakeDom0

from pyhv import errors
from pyhv.linked.machine import Linked


@pytest.fixture
def dom0():
    return FakeDom0()


@pytest.fixture
def hv(dom0):
    return Linked(dom0, "unix:there")


@pytest.fixture
def web(hv):
    return hv.create("web")


@pytest.fixture
def guest(dom0, web):
    return dom0.find(web.id)


def test_reading_goes_on_where_it_stopped(hv, web, guest):
    guest.said = b"x" * 250
    assert web.console.read() == "x" * 250
    guest.said += b"new\r\n"
    assert hv.domains["web"].console.read() == "new\n"
    assert web.console.read() == ""
    assert web.console.text == "x" * 250 + "new\n"


def test_a_letter_of_two_bytes_may_come_in_two_parts(web, guest):
    guest.said = b"x" * 99 + "é!".encode()
    assert web.console.read() == "x" * 99 + "é!"
    guest.said += b"\xff"
    assert web.console.read() == "\N{REPLACEMENT CHARACTER}"


def test_what_dom0_dropped_is_counted(web, guest):
    guest.said, guest.lost = b"the end", 40
    assert web.console.read() == "the end"
    assert web.console.lost == 40


def test_expect_finds_reads_up_to_there_and_no_further(web, guest):
    guest.said = b"login: one\nlogin: two\n"
    assert web.console.expect(r"login: (\w+)")[1] == "one"
    assert web.console.expect(r"login: (\w+)")[1] == "two"
    with pytest.raises(errors.TookTooLong, match=(
            r"waited 0 s for 'login' on the console of web; it ends with 'login: one")):
        web.console.expect("login", timeout=0)
    assert isinstance(errors.TookTooLong("x"), TimeoutError)


def test_a_silent_console_is_said_to_be_silent(web):
    with pytest.raises(errors.TookTooLong, match="which has said nothing"):
        web.console.expect("login", timeout=0)


def test_expect_ends_when_the_domain_does(hv, web, guest):
    guest.said = b"last words"
    web.destroy()
    assert web.console.expect("last") is not None
    with pytest.raises(errors.NoSuchDomain, match=r"web \(d1\) is gone; .*'last words'"):
        web.console.expect("login")
    other = hv.create("web")
    assert (web.console.text, other.console.text) == ("last words", "")


def test_typing_waits_until_the_ring_has_room(web, guest, dom0):
    web.console.write("x" * (RING * 3 + 5) + "\n")
    assert guest.typed == b"x" * (RING * 3 + 5) + b"\n"
    dom0.do_console_write = lambda domain, bytes: {"taken": 0}
    with pytest.raises(errors.TookTooLong, match="for web to read .*; 3 bytes are left"):
        web.console.write("abc", timeout=0)


def test_ask_returns_what_stands_between_echo_and_prompt(web, guest, dom0):
    def answer(verb: str) -> None:
        if verb == "console.read" and guest.typed.endswith(b"\n"):
            guest.typed = b""
            guest.said += b"uname -s\r\nLinux\r\nlinux# "

    guest.said = b"linux# "
    dom0.before = answer
    assert web.console.ask("uname -s", "linux# ") == "Linux"
