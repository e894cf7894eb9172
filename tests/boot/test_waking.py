# The chapter boot: the hypervisor takes a machine, tells it, and turns it off.
"""Boots of the image as it stands at the end of the chapter boot."""

import re

import pytest

from pyhv import sentences as say

pytestmark = pytest.mark.boot

PLACES = {
    "pc-1": {"cpus": 1},
    "pc-2": {"cpus": 2},
    "pc-4": {"cpus": 4},
    "q35-2": {"chipset": "q35", "cpus": 2},
    "iso-bios": {"firmware": "bios"},
    "iso-bios-q35-4": {"firmware": "bios", "chipset": "q35", "cpus": 4},
    "iso-uefi-q35-2": {"firmware": "uefi", "chipset": "q35", "cpus": 2},
    "5-gib": {"memory_mib": 5120},
    "bochs-skylake-1": {"engine": "vmx"},
    "bochs-skylake-2": {"engine": "vmx", "cpus": 2},
    "bochs-skylake-4": {"engine": "vmx", "cpus": 4},
    "bochs-arrandale": {"engine": "vmx", "model": "corei5_arrandale_m520"},
    "bochs-trinity": {"engine": "svm", "run_by": "bochs", "model": "trinity_apu"},
}


@pytest.fixture
def wake(boot, image):
    """Boot the image of the first chapter."""
    return lambda **fields: boot(image=image("boot"), **fields)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_it_wakes_and_powers_off(wake, place):
    machine = wake(**place)
    machine.expect(say.FIRST, 90)
    loader = "multiboot2" if machine.machine.boots_from_iso else "PVH"
    machine.expect(say.LOADED.format(loader=loader))
    found = int(machine.expect(say.MEMORY)[1])
    assert 0.9 * machine.machine.memory_mib <= found <= machine.machine.memory_mib
    assert int(machine.expect(say.PROCESSORS)[1]) == machine.machine.cpus
    machine.expect(say.OWN_TABLES)
    machine.expect(say.POWERING_OFF)
    machine.expect_power_off()


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


@pytest.mark.parametrize("engine", ["svm", "vmx"])
@pytest.mark.parametrize("cpu", [0, 1])
def test_a_panic_shows_registers_and_names(wake, engine, cpu):
    machine = wake(engine=engine, cpus=2, options=f"panic={cpu}")
    machine.expect(say.PANIC.format(cpu=cpu), 90)
    machine.expect(r"rip[ =:]+[0-9a-f]{16}")
    machine.expect(r"[0-9a-f]{16}[^\n]* (hv::)?\w+.*\+0x[0-9a-f]+")

