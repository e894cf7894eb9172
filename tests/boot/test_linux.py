# Debian's unmodified kernel as a guest, on both engines, with one and two CPUs.
"""Linux, from its creation to its power-off."""

import re

import pytest

from pyhv import build, story
from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.events

MACHINES = {
    "svm-1-1": {"engine": "svm", "cpus": 1, "vcpus": 1},
    "svm-1-2": {"engine": "svm", "cpus": 1, "vcpus": 2},
    "svm-2-1": {"engine": "svm", "cpus": 2, "vcpus": 1},
    "svm-2-2": {"engine": "svm", "cpus": 2, "vcpus": 2},
    "vmx-1-1": {"engine": "vmx", "cpus": 1, "vcpus": 1},
    "vmx-2-2": {"engine": "vmx", "cpus": 2, "vcpus": 2},
}


PARAMS = [pytest.param(fields, id=name) for name, fields in MACHINES.items()]


@pytest.fixture(scope="module", params=PARAMS)
def household(request, boot_shared, image, module):
    """dom0 with hello, and Linux being created; the numbers are CPUs and its vCPUs."""
    fields = dict(request.param)
    vcpus = fields.pop("vcpus")
    rc = build.first_commands(True).replace("vcpus=1", f"vcpus={vcpus}")
    machine = boot_shared(image=image(), module=module(rc, linux=True), **fields)
    shell = Dom0(machine)
    shell.vcpus = vcpus
    shell.wait_for_prompt()
    yield shell
    machine.stop()


@pytest.fixture(scope="module")
def linux(household):
    """Linux's shell, on the line."""
    household.enter("linux")
    household.wait_for_linux()
    return household


@pytest.mark.parametrize("command, answer", story.LINUX_SAYS.items(), ids=lambda text: text[:20])
def test_linux_says(linux, command, answer):
    assert re.search(answer, linux.in_linux(command))


def test_linux_counts_its_cpus(linux):
    assert re.search(rf"\b{linux.vcpus}\b", linux.in_linux("grep -c ^processor /proc/cpuinfo"))


def test_linux_knows_its_memory(linux):
    total = re.search(r"MemTotal: +(\d+) kB", linux.in_linux("grep MemTotal /proc/meminfo"))
    assert 200_000 < int(total[1]) <= 256 * 1024


def test_linux_sleeps_for_a_second(linux):
    said = linux.in_linux("time sleep 1")
    assert re.search(r"real\s+0m 1\.\d\ds", said), said


def test_all_three_run_side_by_side(linux):
    linux.leave()
    for name in ("Domain-0", "hello", "linux"):
        assert linux.state(name), name
    linux.enter("linux")
    linux.wait_for_linux()


def test_reboot_and_poweroff_do_what_they_say(linux):
    linux.machine.send_line("reboot")
    linux.expect(say.rebooted("linux"))
    linux.wait_for_linux()
    story.linux_powers_off(linux)
    assert linux.state("linux") is None
    assert linux.state("hello")
