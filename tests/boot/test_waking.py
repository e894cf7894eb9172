# The chapter boot: the hypervisor takes a machine, tells it, and turns it off.
"""Boots of the image as it stands at the end of the chapter boot."""

import re
import struct

import pytest

from pyhv import build, story
from pyhv import sentences as say
from pyhv.debugger import Debugger, address_of
from pyhv.dom0 import Dom0
from pyhv.monitor import Monitor
from pyhv.speed import scaled

pytestmark = pytest.mark.boot

PLACES = {
    "pc-1": {"cpus": 1, "memory_mib": 256},
    "pc-2": {"cpus": 2, "memory_mib": 1024},
    "pc-4": {"cpus": 4, "memory_mib": 4096},
    "pc-8": {"cpus": 8, "memory_mib": 5120},
    "q35-2": {"chipset": "q35", "cpus": 2, "memory_mib": 5120},
    "iso-bios": {"firmware": "bios"},
    "iso-bios-q35-4": {"firmware": "bios", "chipset": "q35", "cpus": 4},
    "iso-uefi-q35-2": {"firmware": "uefi", "chipset": "q35", "cpus": 2},
    "bochs-skylake-1": {"engine": "vmx"},
    "bochs-skylake-2": {"engine": "vmx", "cpus": 2},
    "bochs-arrandale": {"engine": "vmx", "model": "corei5_arrandale_m520"},
    "bochs-trinity": {"engine": "svm", "run_by": "bochs", "model": "trinity_apu"},
}
MEASURE = "_ZN2hv12_GLOBAL__N_111read_clocksERKNS_3x868HostApicEt"
# What makes GRUB speak on COM1.
SPEAK = ("insmod serial", "serial --unit=0", "terminal_output serial")


@pytest.fixture
def wake(boot, image):
    """Boot the image of the first chapter."""
    return lambda **fields: boot(image=image("boot"), **fields)


def expect_the_whole_story(machine) -> int:
    """Wait for every step from the first line to the power-off; return where the image was."""
    loaded = machine.expect(say.FIRST, 90)
    loader = "multiboot2" if machine.machine.boots_from_iso else "PVH"
    machine.expect(say.LOADED.format(loader=loader))
    found = int(machine.expect(say.MEMORY)[1])
    assert 0.9 * machine.machine.memory_mib <= found <= machine.machine.memory_mib
    assert int(machine.expect(say.PROCESSORS)[1]) == machine.machine.cpus
    # At most 0.45% of RAM and 2 MiB: a row of 16 bytes for each frame, and all the rest
    kept = int(machine.expect(say.KEPT)[1]) * 4096
    assert kept <= 0.0045 * found * 2**20 + 2 * 2**20
    machine.expect(say.OWN_TABLES)
    for cpu in range(1, machine.machine.cpus):
        machine.expect(say.AWAKE.format(cpu=cpu))
    machine.expect(say.POWERING_OFF)
    machine.expect_power_off()
    return int(loaded[1], 16)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_it_wakes_and_powers_off(wake, place):
    expect_the_whole_story(wake(**place))


def test_firmware_may_leave_x2apic_on(wake):
    on = "insmod rdmsr", "insmod wrmsr", "wrmsr 0x1b 0xfee00d00", "rdmsr 0x1b"
    machine = wake(engine="vmx", cpus=4, grub=(*SPEAK, *on))
    machine.expect("0xfee00d00", 90)
    expect_the_whole_story(machine)


def test_no_timer_interrupts_while_the_clocks_are_measured(wake, image, tmp_path):
    """Firmware's timer may still run then: a tick of it, never ended, would keep all others out."""
    wake(monitor=tmp_path / "monitor", debugger=tmp_path / "debugger", held=True)
    debugger, monitor = Debugger(tmp_path / "debugger"), Monitor(tmp_path / "monitor")
    debugger.set_breakpoint(address_of(image("boot"), MEASURE))
    debugger.go_on()
    assert debugger.wait_for_stop(scaled(60)), "it never measured"
    apic = monitor.ask("human-monitor-command", **{"command-line": "info lapic"})
    assert re.search(r"initial_count = 4294967295", apic)
    assert re.search(r"LVTT\s.* masked ", apic)


def test_grub_may_load_it_anywhere(boot, image, tmp_path):
    # The tag that says where: from 2 MiB to 4 GiB, by 2 MiB, and as low (1) or high (2) as may be
    low, high = (struct.pack("<HH5I", 10, 0, 24, 2**21, 2**32 - 1, 2**21, way) for way in (1, 2))
    content = image("boot").read_bytes()
    assert content.count(low) == 1
    path = tmp_path / "high.elf"
    path.write_bytes(content.replace(low, high))
    assert expect_the_whole_story(boot(image=path, firmware="bios", cpus=2)) > 2**28


def test_help_lists_the_options(wake):
    machine = wake(options="help")
    machine.expect_power_off()
    for option in say.OPTIONS:
        assert re.search(rf"^  {re.escape(option)}", machine.log, re.M), option


def test_a_wrong_option_is_named_and_ignored(wake):
    machine = wake(options="cpus=1 bogus=1 dom0_mem=much")
    machine.expect(say.UNKNOWN_OPTION.format(word="bogus=1"))
    machine.expect(say.WRONG_VALUE.format(word="dom0_mem=much", right="dom0_mem=MiB"))
    machine.expect_power_off()


@pytest.mark.events
def test_guests_may_lie_above_4_gib(boot, image, module):
    # dom0 and the hypervisor take most of the first 160 MiB; all else is above 4 GiB
    grub = "insmod mmap", "cutmem 160M 2G"
    machine = boot(image=image(), module=module(build.first_commands(True), linux=True), cpus=2,
                   memory_mib=5120, chipset="q35", firmware="bios", grub=grub)
    shell = Dom0(machine)
    shell.wait_for_prompt()
    assert shell.state("hello")
    shell.enter("linux")
    shell.wait_for_linux()
    story.linux_powers_off(shell)
