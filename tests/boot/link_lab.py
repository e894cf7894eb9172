# What the tests of the link share: a life to live over it, and lines that misbehave.
"""Helpers for test_link.py."""

import contextlib
import os
import random
import re
import select
import threading
import time

import pytest

from pyhv import sentences as say
from pyhv.dom0 import Dom0
from pyhv.errors import Refused
from pyhv.link import Link
from pyhv.link.frames import Body, Splitter
from pyhv.linked.machine import Linked
from pyhv.speed import scaled

RC = "create hello kernel=hello memory=16\nlist\n"
GUESTS = ("hello", "wicked")
TIMEOUT = {"qemu": 60.0, "bochs": 240.0}
# What a byte takes on a line of so many baud: with its start and its stop, ten bits.
BITS = 10


def wait_for(happened, what):
    """Ask until something has happened, and return it."""
    end = time.monotonic() + scaled(60)
    while not (result := happened()):
        assert time.monotonic() < end, f"waited for {what}"
    return result


def states(link: Link) -> dict[str, str]:
    """Return the domains' states by their names."""
    return {row["name"]: row["state"] for row in link.call("list")}


def second(link: Link, name: str) -> bytes:
    """Return what a hello has said since its birth, once it has counted a second."""
    said = link.call("console.read", domain=name, **{"from": 0})["text"]
    return said if b"hello: second 1" in said else b""


def caught_asleep(link: Link, name: str) -> dict | None:
    """Pause a domain and return its vCPU, if that was halted."""
    link.call("pause", domain=name)
    vcpu = link.call("vcpus", domain=name)[0]
    if vcpu["state"] == "blocked":
        return vcpu
    link.call("unpause", domain=name)
    return None


def live_a_life(link: Link, name: str) -> None:
    """Have a guest created, paused, heard and destroyed."""
    link.call("create", name=name, kernel="hello", memory=16, cmdline="said over the link")
    assert states(link)[name][2] == "-"
    link.call("pause", domain=name)
    assert states(link)[name][2] == "p"
    with pytest.raises(Refused, match="paused already") as refused:
        link.call("pause", domain=name)
    assert refused.value.error == "EINVAL"
    link.call("unpause", domain=name)
    said = wait_for(lambda: second(link, name), "hello's first second")
    assert b"command line 'said over the link'" in said
    link.call("destroy", domain=name)
    assert name not in states(link)


class Noisy:
    """A line that puts garbage into every third thing that is sent, or cuts it in half."""

    def __init__(self, line):
        self.line, self.name, self.count = line, line.name, 0
        self.random = random.Random(1)
        self.read, self.close = line.read, line.close

    def write(self, data, timeout):
        """Send it, or what is left of it."""
        self.count += 1
        half = len(data) // 2
        garbage = self.random.randbytes(40)
        damaged = {0: data[:half], 1: data[:half] + garbage + data[half:]}
        self.line.write(damaged.get(self.count % 6, data), timeout)


@contextlib.contextmanager
def read_by_a_person(descriptor: int):
    """Read a console all the while, as a terminal does."""
    ended = threading.Event()

    def read():
        while not ended.is_set():
            if select.select([descriptor], [], [], 0.1)[0]:
                os.read(descriptor, 65536)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()


class Slow:
    """A line on a clock of its own, which only bytes and waiting move: no test waits for it.

    A byte takes the time that its bits take, in either direction; dom0 itself takes none.
    """

    def __init__(self, line, baud):
        self.line, self.name, self.close = line, line.name, line.close
        self.byte = BITS / baud
        self.now = self.sent = self.came = 0.0
        self.coming = b""
        self.owed, self.splitter = False, Splitter()

    def monotonic(self):
        """Tell the time."""
        return self.now

    def write(self, data, timeout):
        """Take bytes at once, as a driver's buffer does; they leave one by one."""
        self.line.write(data, timeout)
        self.sent = max(self.now, self.sent) + len(data) * self.byte
        self.owed = True

    def read(self, timeout):
        """Return what has arrived by the end of the wait."""
        if self.owed and not self.coming:
            self.came = max(self.came, self.sent)
        while self.owed:
            data = self.line.read(TIMEOUT["qemu"])
            assert data, "dom0 owes a reply"
            self.coming += data
            self.owed = not any(isinstance(each, Body) for each in self.splitter.feed(data))
        arrived = int((self.now + timeout - self.came) / self.byte)
        part, self.coming = self.coming[: max(arrived, 0)], self.coming[max(arrived, 0) :]
        self.came += len(part) * self.byte
        self.now = max(self.now, self.came) if part else self.now + timeout
        return part


def send(link: Link, name: str, data: bytes) -> None:
    """Send dom0 a file."""
    Linked(link, "the link").files.send(name, data)


def start_a_flood(shell: Dom0) -> None:
    """Have a domain print for ever, and the shell show it."""
    shell.type('create flood kernel=wicked memory=16 cmdline="do=flood"')
    shell.expect(say.DOM0_PROMPT)
    shell.machine.send_line("console flood")
    shell.expect(r"wicked: line \d+\r\n")


def overrun(link: Link, name: str) -> dict | None:
    """Return what dom0 keeps of what a domain printed, once there was more than that."""
    part = link.call("console.read", domain=name, **{"from": 0})
    return part if part["lost"] else None


def upload_and_end_the_flood(link: Link, size: int) -> None:
    """Send a file, of which dom0 checks the checksum, while the domain `flood` prints."""
    send(link, "flooded", random.Random(3).randbytes(size))
    assert link.call("files")[0] == {"name": "flooded", "bytes": size, "uploaded": True}
    part = wait_for(lambda: overrun(link, "flood"), "more than dom0 keeps")
    assert b"\0" not in part["text"]
    link.call("file.remove", name="flooded")
    link.call("destroy", domain="flood")
