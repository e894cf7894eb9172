# What tests ask a Linux guest at its shell, and how they read its answers.
"""Questions to Linux on the line: its clocks, its processors, stolen time, and what it warns of."""

import re
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pyhv import build, cpio, kernels
from pyhv.dom0 import Dom0

KNOWN = tomllib.loads(Path(__file__).with_name("linux_warnings.toml").read_text())["line"]

SHOW_WARNINGS = "dmesg -r | grep '^<[0-4]>'"
WARNING = re.compile(r"^<[0-4]>\[ *\d+\.\d+\] (.*?)\s*$", re.M)
TICKS_PER_SECOND = 100  # of the columns of /proc/stat


# Two kernels in the module, and room to unpack either
DOM0_MEM = "dom0_mem=192"
# Written into the initramfs beside busybox: says so if the clock goes back.
WATCH = """#!/bin/sh
last=0
while read -r up idle </proc/uptime; do
    now=${up%.*}${up#*.}
    [ "$now" -ge "$last" ] || echo "the clock went back from $last to $now"
    last=$now
done
"""
# Of which Linux never counts the first page and the PC's hole
NOT_COUNTED_KIB = 4 + 384


@dataclass(frozen=True)
class Order:
    """A domain: its name, kernel, memory and vCPUs."""

    name: str
    kernel: str
    memory_mib: int
    vcpus: int

    def command(self) -> str:
        """Return what dom0's shell is told."""
        return (
            f"create {self.name} kernel={self.kernel} ramdisk=initrd memory={self.memory_mib} "
            f'vcpus={self.vcpus} cmdline="{build.LINUX_OPTIONS}"\n'
        )


# The least that each kernel is promised to boot in, and one that has plenty
SMALLEST = (Order("cloud", "vmlinuz", 96, 1), Order("generic", "generic", 128, 2),
            Order("large", "vmlinuz", 1024, 4))


def write_module(path: Path, where: Path, orders: tuple[Order, ...]) -> Path:
    """Write a boot module with both kernels, whose rc creates the domains."""
    dom0 = (where / "chapters" / "module" / "dom0").read_bytes()
    generic = kernels.path_of(kernels.fetch_kernel("amd64")).read_bytes()
    kernel, initrd = build.linux_entries()
    more = cpio.pack([cpio.program("bin/watch-clock", WATCH.encode())])
    commands = "".join(order.command() for order in orders) + "list\n"
    path.write_bytes(cpio.pack([
        cpio.program("dom0", dom0), cpio.Entry("rc", commands.encode()), kernel,
        cpio.Entry("generic", generic), cpio.Entry("initrd", initrd.data + more),
    ]))
    return path


@dataclass(frozen=True)
class Reading:
    """A guest's uptime in seconds, and the host's clock just before and just after it was told."""

    before: float
    told: float
    after: float


def uptime(linux: Dom0) -> Reading:
    """Read the guest's clock, which system time drives, between two of the host's."""
    before = time.monotonic()
    told = re.search(r"(\d+\.\d\d) \d+\.\d\d", linux.in_linux("cat /proc/uptime"))
    return Reading(before, float(told[1]), time.monotonic())


def date(linux: Dom0) -> int:
    """Return the guest's wall clock, in whole seconds since 1970."""
    return int(re.search(r"\b\d{10}\b", linux.in_linux("date +%s"))[0])


def lost_at_boot(linux: Dom0) -> float:
    """Return how many seconds Linux's own clock lost before it took the hypervisor's.

    Until then it counts its ticks, and one that comes late is one less.
    """
    said = linux.in_linux("dmesg | grep 'Marking stable'")
    return max(0, -int(re.search(r"\((-?\d+), -?\d+\)->\(-?\d+, (-?\d+)\)", said)[2])) / 1e9


def processors(linux: Dom0) -> int:
    """Return how many processors are online."""
    said = linux.in_linux("grep -c ^processor /proc/cpuinfo")
    return int(re.search(r"^\d+", said, re.M)[0])


def set_online(linux: Dom0, cpu: int, on: bool) -> None:
    """Take a processor out, or bring it back."""
    linux.in_linux(f"echo {int(on)} >/sys/devices/system/cpu/cpu{cpu}/online")


def start_load(linux: Dom0, count: int) -> None:
    """Keep so many processors busy."""
    for _ in range(count):
        linux.in_linux("yes >/dev/null &")


def stop_load(linux: Dom0) -> None:
    """End what start_load() began."""
    linux.in_linux("killall yes")
    linux.in_linux("wait")


@dataclass(frozen=True)
class Account:
    """Seconds, of all processors together, as /proc/stat has them."""

    ran: float
    idle: float
    stolen: float


def account(linux: Dom0) -> Account:
    """Read the first line of /proc/stat."""
    said = linux.in_linux("grep '^cpu ' /proc/stat")
    columns = re.search(r"cpu +([\d ]+)", said)[1].split()
    seconds = [int(column) / TICKS_PER_SECOND for column in columns[:8]]
    user, nice, system, idle, waiting, hard, soft, stolen = seconds
    return Account(user + nice + system + hard + soft, idle + waiting, stolen)


def warnings_in(said: str) -> list[str]:
    """Return the lines at level warning or worse in what `dmesg -r` says, without their times."""
    return WARNING.findall(said)


def unexplained(lines: list[str], engine: str) -> list[str]:
    """Return those that real Xen's guest does not say on that engine, and that have no reason."""
    allowed = [
        entry["says"] for entry in KNOWN if "reason" in entry or engine in entry.get("xen", ())
    ]
    return [line for line in lines if not any(re.fullmatch(says, line) for says in allowed)]


def assert_no_new_warnings(linux: Dom0) -> None:
    """Check all that the kernel has said so far."""
    lines = warnings_in(linux.in_linux(SHOW_WARNINGS))
    assert lines, "the kernel says some of these lines at each boot"
    new = unexplained(lines, linux.machine.machine.engine)
    assert not new, "\n".join(new)
