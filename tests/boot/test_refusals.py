# Machines and modules that will not do: one line says why, and what would.
"""What the hypervisor says where it cannot go on."""

import os

import pytest

from pyhv import bochs, cpio
from pyhv import sentences as say

pytestmark = pytest.mark.domains


@pytest.fixture
def refuse(boot, image):
    """Boot the whole image and expect a refusal: one line, and the last."""

    def check(reason: str, through: str | None = None, **fields) -> None:
        machine = boot(image=image(through), **fields)
        machine.expect(say.FIRST, 90)
        machine.expect(say.CANNOT_GO_ON.format(why=reason), 90)
        assert machine.log.count("cannot") == 1

    return check


@pytest.mark.boot
def test_too_little_memory_to_settle_in(refuse, tmp_path):
    # Of 300 MiB, a module that leaves little more than one
    path = tmp_path / "module"
    path.touch()
    os.truncate(path, 593 * 2**19)
    refuse(say.NO_ROOM, through="boot", module=path, memory_mib=300, cpus=8)


def test_no_module(refuse):
    refuse(say.NO_MODULE)


@pytest.mark.parametrize("damage", ["cut", "noise", "empty-name"])
def test_a_corrupt_module(refuse, module, tmp_path, damage):
    whole = module().read_bytes()
    broken = {
        "cut": whole[: len(whole) // 2],
        "noise": b"\xff" * 4096,
        "empty-name": whole[:94] + b"00000000" + whole[102:],
    }[damage]
    path = tmp_path / "module.cpio"
    path.write_bytes(broken)
    refuse(say.DAMAGED_MODULE, module=path)


def test_a_module_without_dom0(refuse, tmp_path):
    path = tmp_path / "module.cpio"
    path.write_bytes(cpio.pack([cpio.Entry("rc", b"list\n")]))
    refuse(say.NO_DOM0, module=path)


def test_a_dom0_that_is_no_kernel(refuse, tmp_path):
    path = tmp_path / "module.cpio"
    path.write_bytes(cpio.pack([cpio.program("dom0", b"#!/bin/sh\n" * 100)]))
    refuse(say.NO_KERNEL, module=path)


def test_too_little_memory(refuse, module):
    refuse(say.TOO_LITTLE_MEMORY.format(has=31, enough=120), module=module(), memory_mib=32)


def test_as_much_memory_as_it_said_is_enough(boot, image, module):
    machine = boot(image=image(), module=module(), memory_mib=121)
    machine.expect(say.DOM0_PROMPT)


def test_neither_vmx_nor_svm(refuse, module):
    refuse(say.NO_SVM, module=module(), model="qemu64,-svm")
    refuse(say.NO_VMX, module=module(), model="Skylake-Client")


def test_no_nested_paging(refuse, module):
    refuse(say.NO_NESTED_PAGING, module=module(), model="EPYC,-npt")


def test_firmware_that_locks_vmx_off(refuse, module, tmp_path):
    # Bochs's BIOS sets bits 0 and 2 of IA32_FEATURE_CONTROL, by OR; this one sets the lock alone
    rom = bochs.ROM.read_bytes()
    sets = bytes.fromhex("83c805 0f30")
    assert rom.count(sets) == 2
    path = tmp_path / "rom"
    path.write_bytes(rom.replace(sets, bytes.fromhex("83c801 0f30")))
    refuse(say.VMX_LOCKED, engine="vmx", rom=path, module=module())


def test_processors_too_old_for_it(refuse, module):
    refuse(say.NO_EPT, engine="vmx", model="core2_penryn_t9600", module=module())
    refuse(say.NO_UNRESTRICTED, engine="vmx", model="corei5_lynnfield_750", module=module())
