# Linux's own xenbus and xenfs as clients of dom0's store: nothing in that guest knows of us.
"""Debian's kernel speaks the store's protocol, and its drivers follow what they find there."""

import re

import pytest
from link_lab import wait_for

import pyhv
from pyhv import build, cpio, kernels
from pyhv.initramfs import PROMPT
from pyhv.speed import scaled

pytestmark = pytest.mark.events

# Requests of xen/io/xs_wire.h, their payloads as printf has them; of the answers the type and the
# payload are shown, its zero bytes as |
VISIT = r"""#!/bin/sh
# visit FILE ANSWERS [TYPE PAYLOAD]...
exec 3<>$1
answers=$2
shift 2
while [ $# -gt 0 ]; do
    bytes=$(printf "$2" | wc -c)
    printf "$(printf '\\%03o\\000\\000\\000' $1 7 0 $bytes)$2" >&3
    shift 2
done
for each in $(seq $answers); do
    set -- $(dd bs=16 count=1 <&3 2>/dev/null | od -A n -t u4)
    echo "answer $1 $(dd bs=1 count=$4 <&3 2>/dev/null | tr '\000' '|')"
done
"""
DIRECTORY, READ, WATCH, WRITE, RM, EVENT, ERROR = 1, 2, 4, 11, 13, 15, 16
MODULES = ("xen/xen-privcmd.ko", "xen/xenfs/xenfs.ko", "block/xen-blkfront.ko")
DEVICES = ("/dev/xen/xenbus", "/proc/xen/xenbus")
DISK = 51712  # what Linux calls xvda
INITIALISING, INIT_WAIT, INITIALISED, CLOSING, CLOSED = "12356"


def ramdisk() -> bytes:
    """Return busybox's, with the drivers of Xen's that Debian's kernel keeps in modules."""
    kernel = kernels.path_of(kernels.fetch_kernel())
    drivers = next((kernel.parents[1] / "lib" / "modules").glob("*/kernel/drivers"))
    more = [cpio.program("bin/visit", VISIT.encode()), cpio.directory("lib")]
    more += [cpio.Entry(f"lib/{name.split('/')[-1]}", (drivers / name).read_bytes())
             for name in MODULES]
    return build.initramfs_bytes() + cpio.pack(more)


@pytest.fixture(scope="module")
def hv():
    with pyhv.boot(memory=512, guests=("hello", "linux"), files={"tools": ramdisk()}) as machine:
        yield machine


@pytest.fixture(scope="module")
def linux(hv):
    domain = hv.create("linux", kernel="vmlinuz", ramdisk="tools", memory=256,
                       cmdline=build.LINUX_OPTIONS)
    domain.console.expect(PROMPT, scaled(60))
    domain.console.write("stty columns 400\n")  # or its shell breaks the lines that are typed
    domain.console.expect(PROMPT, scaled(30))
    for name in MODULES:
        # The kernel may put in a word of its own
        assert ask(domain, f"insmod /lib/{name.split('/')[-1]}; echo done $?").endswith("done 0")
    assert ask(domain, "mount -t xenfs xenfs /proc/xen; echo $?") == "0"
    return domain


@pytest.fixture
def other(hv):
    """Make another guest, of which Linux may know nothing."""
    domain = hv.create("hello")
    yield domain
    domain.destroy()


def ask(linux, command: str) -> str:
    return linux.console.ask(command, PROMPT, scaled(30)).strip()


def visit(linux, device: str, *requests: tuple[int, str]) -> list[tuple[int, str]]:
    """Return the answers to so many requests."""
    said = ask(linux, f"visit {device} {len(requests)} " +
               " ".join(f"{kind} '{payload}'" for kind, payload in requests))
    return [(int(kind), text) for kind, text in re.findall(r"answer (\d+) (.*?)\r*(?:\n|$)", said)]


@pytest.mark.parametrize("device", DEVICES)
def test_it_reads_and_writes_what_is_its_own(hv, linux, device):
    assert visit(
        linux, device, (READ, r"name\000"), (WRITE, r"data/said\000by Linux"),
        (READ, rf"/local/domain/{linux.id}/data/said\000"), (DIRECTORY, r"data\000"),
    ) == [(READ, "linux"), (WRITE, "OK|"), (READ, "by Linux"), (DIRECTORY, "said|")]
    assert hv.store[f"/local/domain/{linux.id}/data/said"] == "by Linux"
    assert visit(linux, device, (RM, r"data/said\000")) == [(RM, "OK|")]
    assert f"/local/domain/{linux.id}/data/said" not in hv.store


@pytest.mark.parametrize("device", DEVICES)
def test_it_is_refused_what_is_not(hv, linux, other, device):
    home = f"/local/domain/{other.id}"
    assert hv.store[f"{home}/name"] == "hello"
    assert visit(
        linux, device, (READ, rf"{home}/name\000"), (DIRECTORY, rf"{home}\000"),
        (WRITE, rf"{home}/data/x\0001"), (WRITE, r"name\000root"), (READ, r"data/none\000"),
    ) == [(ERROR, "EACCES|")] * 4 + [(ERROR, "ENOENT|")]
    assert hv.store[f"/local/domain/{linux.id}/name"] == "linux"


@pytest.mark.parametrize("device", DEVICES)
def test_it_waits_for_a_change_and_hears_of_it(hv, linux, device):
    linux.console.write(f"visit {device} 3 {WATCH} 'data/bell\\000token\\000'\n")
    # At once, and in whichever order Linux passes them on
    first = {linux.console.expect(r"answer (\d+) (\S+)", scaled(30)).groups() for _ in range(2)}
    assert first == {(str(WATCH), "OK|"), (str(EVENT), "data/bell|token|")}
    hv.store[f"/local/domain/{linux.id}/data/bell"] = "rung"
    linux.console.expect(rf"answer {EVENT} data/bell\|token\|", scaled(30))
    linux.console.expect(PROMPT, scaled(30))


def test_its_driver_follows_a_backend_that_comes_and_goes(hv, linux):
    """The front half of a disk, as far as it goes while nobody serves the ring."""
    front = f"/local/domain/{linux.id}/device/vbd/{DISK}"
    back = f"/local/domain/0/backend/vbd/{linux.id}/{DISK}"

    def write(where: str, **entries: object) -> None:
        for name, value in entries.items():
            hv.store[f"{where}/{name.replace('_', '-')}"] = str(value)

    def comes_to(state: str) -> None:
        wait_for(lambda: hv.store[f"{front}/state"] == state, f"state {state} of {front}")

    write(back, frontend=front, frontend_id=linux.id, state=INIT_WAIT)
    # With the state it is whole: Linux looks only then
    write(front, backend=back, backend_id=0, virtual_device=DISK, device_type="disk",
          state=INITIALISING)
    comes_to(INITIALISED)
    assert int(hv.store[f"{front}/ring-ref"]) >= 8 and int(hv.store[f"{front}/event-channel"]) > 0
    assert hv.store[f"{front}/protocol"] == "x86_64-abi"
    assert f"vbd-{DISK}" in ask(linux, "ls /sys/bus/xen/devices")
    write(back, state=CLOSING)
    comes_to(CLOSED)
    del hv.store[front]
    wait_for(lambda: f"vbd-{DISK}" not in ask(linux, "ls /sys/bus/xen/devices"),
             "Linux to let go of the device that is gone")


def test_a_flood_of_watches_leaves_the_store_to_others(hv, linux, other):
    """More than dom0 remembers for one guest; meanwhile another one lives its life."""
    each = rf"{WATCH} data/$n\\000t\\000"
    flood = f"for n in $(seq 140); do echo \"{each}\"; done"
    linux.console.write(f"visit {DEVICES[0]} 1 $({flood})\n")
    assert hv.store[f"/local/domain/{other.id}/name"] == "hello"
    other.console.expect(r"hello: second \d+", scaled(30))
    linux.console.expect(rf"(?s)answer ({WATCH}|{EVENT}) .*?{PROMPT}", scaled(60))
    assert visit(linux, DEVICES[0], (READ, r"name\000")) == [(READ, "linux")]
