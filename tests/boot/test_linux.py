# Debian's unmodified kernel as a guest, on both engines, with one and two CPUs.
"""Linux, from its creation to its power-off."""

import re
import time

import linux_lab as lab
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
    assert lab.processors(linux) == linux.vcpus


def test_linux_knows_its_memory(linux):
    total = re.search(r"MemTotal: +(\d+) kB", linux.in_linux("grep MemTotal /proc/meminfo"))
    assert 200_000 < int(total[1]) <= 256 * 1024


def test_linux_sleeps_for_a_second(linux):
    said = linux.in_linux("time sleep 1")
    assert re.search(r"real\s+0m 1\.\d\ds", said), said


def test_its_wall_clock_is_right(linux):
    since = int(re.search(say.SECONDS_SINCE_1970, linux.machine.log)[1])
    told = lab.date(linux)
    assert told >= since
    # Bochs's clock runs at a pace of its own. The machine tells its time in whole seconds, and so
    # does `date`; what Linux lost while it booted, before it used our clock, it says itself
    if linux.machine.machine.engine == "svm":
        before, told, after = time.time(), lab.date(linux), time.time()
        assert before - lab.lost_at_boot(linux) - 2 <= told <= after + 1


def test_processors_go_and_come_back(linux):
    if linux.vcpus == 1:
        pytest.skip("it has one processor")
    lab.start_load(linux, linux.vcpus)
    for _ in range(2):
        lab.set_online(linux, 1, False)
        assert lab.processors(linux) == linux.vcpus - 1
        lab.set_online(linux, 1, True)
        assert lab.processors(linux) == linux.vcpus
    lab.stop_load(linux)


def test_stolen_time_is_what_others_ran(linux):
    # All processors of Linux are busy, and hardly anyone else's: what it did not run, it waited
    lab.start_load(linux, linux.vcpus)
    ran_before = linux.from_console("linux", linux.seconds_run)
    account, start = lab.account(linux), lab.uptime(linux)
    # Two busy processors of Bochs's run a second in many of ours
    linux.in_linux("sleep 3" if linux.machine.machine.engine == "svm" else "sleep 1")
    end, then = lab.uptime(linux), lab.account(linux)
    ran = linux.from_console("linux", linux.seconds_run) - ran_before
    lab.stop_load(linux)
    wanted = linux.vcpus * (end.told - start.told)
    stolen = then.stolen - account.stolen
    assert then.ran - account.ran <= ran + 0.5
    assert 0.9 * (wanted - ran) - (then.idle - account.idle) - 0.5 <= stolen <= wanted
    if linux.vcpus > linux.machine.machine.cpus:
        assert stolen >= 0.3 * wanted


def test_time_runs_on_through_a_pause(linux):

    def pause(name: str) -> None:
        linux.ask(f"pause {name}")
        paused = time.monotonic()
        # Longer than the talking takes, so that a clock that stood still would show
        while time.monotonic() - paused < 3 * (start.after - start.before) + 2:
            # Asleep or not as the pause found it
            assert linux.state(name) in ("--p---", "-bp---")
        linux.ask(f"unpause {name}")

    start = lab.uptime(linux)
    linux.from_console("linux", pause)
    end = lab.uptime(linux)
    assert end.told > start.told
    if linux.machine.machine.engine == "svm":
        passed = end.told - start.told
        assert end.before - start.after - 0.1 <= passed <= end.after - start.before + 0.1


def test_it_warns_of_nothing_that_xens_guest_does_not(linux):
    lab.assert_no_new_warnings(linux)


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
