# The link on emulated machines: virtio-serial, COM2 and COM1, with all that can happen to a line.
"""dom0 asked over the link, while lines garble, clients die and guests flood."""

import functools
import os
import pty
import random
import re
import socket
import subprocess
import sys
import tty

import cbor2
import pytest
from link_lab import (
    GUESTS,
    RC,
    TIMEOUT,
    Noisy,
    Slow,
    caught_asleep,
    live_a_life,
    overrun,
    read_by_a_person,
    send,
    start_a_flood,
    states,
    upload_and_end_the_flood,
    wait_for,
)

from pyhv import sentences as say
from pyhv.dom0 import Dom0
from pyhv.errors import LinkRestarted, LinkTaken, LinkVersion, Refused
from pyhv.link import Link, client
from pyhv.link.frames import Body, Splitter, frame
from pyhv.link.transports import open_line
from pyhv.machine import LINES
from pyhv.monitor import Monitor

pytestmark = pytest.mark.domains

@pytest.fixture(scope="module")
def start(boot_shared, image, module, tmp_path_factory):
    """Boot a machine with a link to dom0's prompt; return its shell and its link's name."""
    archive = module(RC, guests=GUESTS)

    def boot(**fields):
        path = tmp_path_factory.mktemp("link") / "link"
        shell = Dom0(boot_shared(image=image(), module=archive, memory_mib=256,
                                 **{"link": path} | fields))
        shell.wait_for_prompt()
        return shell, f"unix:{path}"

    return boot


@pytest.fixture(scope="module")
def machines(start):
    """The machines in QEMU for most of the tests here: one for each kind of line."""
    return functools.cache(lambda over: start(link_over=over))


@pytest.fixture(params=LINES["qemu"])
def over(request):
    """What the link's own line is."""
    return request.param


@pytest.fixture
def machine(machines, over):
    """The machine with that line."""
    return machines(over)


@pytest.fixture
def line(machine):
    """The line's name."""
    return machine[1]


@pytest.fixture
def link(line):
    """A session over the line."""
    with Link.open(line, timeout=TIMEOUT["qemu"]) as session:
        yield session


@pytest.fixture
def mixed(machine):
    """A session over COM1, and what its console says."""
    heard = []
    emulator = machine[0].machine
    with Link.open(emulator.serial_fd, timeout=TIMEOUT["qemu"], text=heard.append) as session:
        yield session, heard


# What there is to ask


def test_a_life_over_a_line_of_its_own(link):
    assert link.hello.engine == "svm"
    assert "domains" in link.hello.chapters
    live_a_life(link, "brief")


@pytest.mark.parametrize("over", ["virtio"])
def test_a_life_over_com1_beside_the_shell(machine, mixed):
    link, heard = mixed
    machine[0].machine.send("li")
    live_a_life(link, "brief")
    machine[0].machine.send("st\r")
    wait_for(lambda: link.listen(1.0) or re.search(
        rb"st\r+\n *Name.*\nhello .*\r+\ndom0> $", b"".join(heard), re.S), "the shell's list")
    assert b"\0" not in b"".join(heard)


def test_looking_into_a_domain(link):
    vcpu = wait_for(lambda: caught_asleep(link, "hello"), "hello's sleep")
    assert vcpu["time_ns"] > 0
    registers = link.call("registers", domain="hello", vcpu=0)
    assert registers["cs"] == 8 and registers["cr0"] & 1
    code = link.call("memory.read", domain="hello", gpa=registers["rip"] - 1, count=1)
    assert code == b"\xf4", "it waits behind a HLT"
    link.call("unpause", domain="hello")
    link.call("memory.write", domain="hello", gpa=0x9FFFE, bytes=b"four")
    assert link.call("memory.read", domain="hello", gpa=0x9FFFE, count=4) == b"four"
    for verb in ("vcpu", "gpa"):
        with pytest.raises(Refused):
            name = "registers" if verb == "vcpu" else "memory.read"
            link.call(name, domain="hello", count=1, **{verb: 1 << 40})


def test_logs_files_and_store(link):
    log = link.call("dmesg")
    again = link.call("dmesg", **{"from": log["next"]})
    assert log["lost"] == 0 and re.search(say.FIRST.encode(), log["text"])
    assert again["next"] == log["next"] + len(again["text"])
    assert {"dom0", "hello", "rc"} <= {file["name"] for file in link.call("files")}
    link.call("store.write", path="/tool/link", value=b"a\0b")
    assert link.call("store.read", path="/tool/link") == b"a\0b"
    assert "link" in link.call("store.list", path="/tool")
    link.call("store.remove", path="/tool/link")
    with pytest.raises(Refused, match="no such entry"):
        link.call("store.read", path="/tool/link")
    info = link.call("info")
    assert 0 < info["free_kib"] < info["total_kib"] and info["cpus"] == len(link.call("cpus"))


def test_news_of_the_dead(link):
    cursor = link.call("news", **{"from": 0})["next"]
    link.call("create", name="wicked", kernel="wicked", memory=16, cmdline="do=opcode")
    lines = wait_for(lambda: link.call("news", **{"from": cursor})["lines"], "the news")
    assert re.fullmatch(r"wicked \(d\d+\) crashed: .*", lines[0])
    assert states(link)["wicked"][4] == "c"
    link.call("destroy", domain="wicked")


def test_an_uploaded_kernel_runs_also_when_it_is_removed(link, image):
    kernel = (image().parent / "chapters" / "module" / "hello").read_bytes()
    send(link, "sent", kernel)
    link.call("create", name="sent", kernel="sent", memory=16)
    link.call("file.remove", name="sent")
    with pytest.raises(Refused, match="no file 'sent'"):
        link.call("create", name="other", kernel="sent")
    link.call("destroy", domain="sent")
    with pytest.raises(Refused, match="no room") as refused:
        link.call("file.begin", name="huge", bytes=1 << 40)
    assert refused.value.error == "ENOSPC"


# What can happen to a line


def live_beside_a_guest_that_computes(link):
    """It has interrupts off and never exits by itself, and dom0 must still be heard."""
    link.call("create", name="busy", kernel="wicked", memory=16, cmdline="do=compute")
    live_a_life(link, "brief")
    assert states(link)["busy"][2] == "-"
    link.call("destroy", domain="busy")


def test_dom0_is_heard_beside_a_guest_that_computes(link):
    live_beside_a_guest_that_computes(link)


def test_garbage_and_half_frames_cost_only_time(line, monkeypatch):
    monkeypatch.setattr(client, "PATIENCE", 0.3)
    noisy = Noisy(open_line(line, 5))
    noisy.line.write(random.Random(2).randbytes(3000), 5)
    with Link(noisy, timeout=TIMEOUT["qemu"]) as link:
        before = link.call("info")["free_kib"]
        for life in range(2):
            link.call("create", name=f"n{life}", kernel="hello", memory=4)
        assert sum(name.startswith("n") for name in states(link)) == 2
        for life in range(2):
            link.call("destroy", domain=f"n{life}")
        assert link.call("info")["free_kib"] == before
        assert link.repeated > 0


KILLED = """
import sys
from pyhv.link import Link
from pyhv.linked.machine import Linked
link = Link.open(sys.argv[1], timeout=60)
print("up", flush=True)
while True:
    Linked(link, "the link").files.send("never", bytes(100_000))
"""


def test_a_client_killed_in_mid_call_leaves_the_link_to_the_next(line):
    words = [sys.executable, "-c", KILLED, line]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "up\n"
        first.kill()
    with Link.open(line, timeout=TIMEOUT["qemu"]) as link:
        live_a_life(link, "heir")
        assert "never" not in {file["name"] for file in link.call("files")}


def test_a_client_that_never_listens_leaves_the_link_to_the_next(line):
    request = {"id": 1, "session": 1, "do": "hello"}
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(line.removeprefix("unix:"))
        deaf.sendall(frame(b"\1" + cbor2.dumps(request)))
        request |= {"do": "memory.read", "domain": "hello", "gpa": 0, "count": 32768}
        for number in range(2, 42):
            deaf.sendall(frame(b"\1" + cbor2.dumps(request | {"id": number})))
    with Link.open(line, timeout=TIMEOUT["qemu"]) as link:
        live_a_life(link, "heir")


def test_the_newest_client_has_the_link(link, mixed):
    with pytest.raises(LinkTaken):
        link.call("list")
    assert "hello" in states(mixed[0])
    link.reconnect()
    with pytest.raises(LinkTaken):
        mixed[0].call("list")


@pytest.mark.parametrize(("over", "size"), [("virtio", 1_000_000), ("com2", 20_000)])
def test_a_flood_does_not_hurt_an_upload(machine, line, size):
    shell = machine[0]
    start_a_flood(shell)
    with read_by_a_person(shell.machine.serial_fd), \
            Link.open(line, timeout=TIMEOUT["qemu"]) as link:
        upload_and_end_the_flood(link, size)
    shell.leave()


@pytest.mark.parametrize("over", ["virtio"])
def test_a_flood_does_not_hurt_an_upload_in_its_midst(machine, mixed):
    shell, (link, heard) = machine[0], mixed
    start_a_flood(shell)
    upload_and_end_the_flood(link, 2_000)
    assert re.search(rb"wicked: line \d+\r\n", b"".join(heard))
    shell.leave()


def test_a_console_that_nobody_reads_does_not_stop_the_machine(machine, link):
    shell = machine[0]
    start_a_flood(shell)
    wait_for(lambda: overrun(link, "flood"), "more than dom0 keeps")
    for _ in range(20):
        assert "flood" in states(link)
    link.call("destroy", domain="flood")
    shell.leave()


@pytest.mark.parametrize("baud", [115_200, 9_600])
def test_a_slow_line_is_only_slow(line, monkeypatch, baud):
    slow = Slow(open_line(line, 5), baud)
    monkeypatch.setattr(client.time, "monotonic", slow.monotonic)
    with Link(slow, timeout=TIMEOUT["qemu"]) as link:
        data = random.Random(4).randbytes(20_000)
        send(link, "slow", data)
        assert link.call("files")[0]["bytes"] == len(data)
        link.call("file.remove", name="slow")
        if baud == 115_200:
            assert link.repeated == 0
            assert slow.now < 1.5 * len(data) * 10 / baud
        else:
            assert link.repeated < 4, "the client has learnt the line's pace"


def test_another_version_is_refused_clearly(line, monkeypatch):
    monkeypatch.setattr(client, "VERSION", 2)
    with pytest.raises(LinkVersion, match="speaks version 2 of the link, and dom0 version 1"):
        Link.open(line, timeout=TIMEOUT["qemu"])


def test_a_raw_frame_of_another_version_gets_the_error_that_says_so(line):
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(line.removeprefix("unix:"))
        raw.sendall(frame(b"\x07whatever"))
        splitter, found = Splitter(), []
        while not found:
            found = splitter.feed(raw.recv(4096))
    assert isinstance(found[0], Body) and found[0].data[0] == 1
    reply = cbor2.loads(found[0].data[1:])
    assert (reply["id"], reply["error"]["name"]) == (0, "version")


def test_a_restart_is_noticed(start, over, tmp_path):
    shell, line = start(monitor=tmp_path / "monitor", link_over=over)
    Monitor(tmp_path / "monitor").ask("set-action", reboot="reset")
    with Link.open(line, timeout=TIMEOUT["qemu"]) as link:
        boot = link.hello.boot
        link.call("reset")
        shell.wait_for_prompt()
        with pytest.raises(LinkRestarted):
            link.call("list")
        assert link.reconnect().boot != boot
        assert "hello" in states(link)
        link.call("poweroff")
        shell.machine.expect_power_off(shell.timeout)


@pytest.mark.parametrize("through", ["domains"])
def test_before_event_channels_the_link_is_polled(boot, image, module, tmp_path, over, through):
    archive = module(RC, guests=GUESTS, through=through)
    shell = Dom0(boot(image=image(through), module=archive, memory_mib=256, link=tmp_path / "l",
                      link_over=over))
    shell.wait_for_prompt()
    with Link.open(f"unix:{tmp_path / 'l'}", timeout=TIMEOUT["qemu"]) as link:
        assert link.hello.chapters == ("boot", "domains")
        live_a_life(link, "brief")
        with pytest.raises(Refused, match="use destroy"):
            link.call("shutdown", domain="hello")


@pytest.mark.parametrize(("firmware", "chipset"), [("bios", "pc"), ("uefi", "q35")])
def test_a_life_without_any_serial_port(boot, image, module, tmp_path, firmware, chipset):
    boot(image=image(), module=module(RC, guests=GUESTS), memory_mib=512, link=tmp_path / "link",
         serial=False, firmware=firmware, chipset=chipset)
    with Link.open(f"unix:{tmp_path / 'link'}", timeout=2 * TIMEOUT["qemu"]) as link:
        live_a_life(link, "brief")


def test_a_machine_with_both_lines_answers_where_it_is_asked(start, tmp_path):
    com2 = f"socket,id=com2,path={tmp_path / 'com2'},server=on,wait=off"
    _, line = start(more=("-chardev", com2, "-device", "isa-serial,index=1,chardev=com2"))
    for where in (line, f"unix:{tmp_path / 'com2'}", line):
        with Link.open(where, timeout=TIMEOUT["qemu"]) as link:
            live_a_life(link, "brief")


def test_a_life_over_com2_in_bochs(start):
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    start(engine="vmx", link=os.ttyname(theirs))
    with Link.open(ours, timeout=TIMEOUT["bochs"]) as link:
        assert link.hello.engine == "vmx"
        live_a_life(link, "brief")
        send(link, "sent", random.Random(5).randbytes(10_000))
        assert link.call("files")[0]["bytes"] == 10_000
        live_beside_a_guest_that_computes(link)
    for each in (ours, theirs):
        os.close(each)
