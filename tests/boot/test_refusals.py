# Machines and modules that will not do: one line says why, and what would.
"""What the hypervisor says where it cannot go on."""

import pytest

from pyhv import cpio
from pyhv import sentences as say

pytestmark = pytest.mark.domains


@pytest.fixture
def refuse(boot, image):
    """Boot the whole image and expect a refusal."""

    def check(reason: str, **fields) -> None:
        machine = boot(image=image(), **fields)
        machine.expect(say.FIRST, 90)
        machine.expect(reason, 90)

    return check


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
    refuse(say.TOO_LITTLE_MEMORY, module=module(), memory_mib=32)


def test_neither_vmx_nor_svm(refuse, module):
    refuse(say.NO_ENGINE, module=module(), model="qemu64,-svm")


def test_no_nested_paging(refuse, module):
    refuse(say.NO_NESTED_PAGING, module=module(), model="EPYC,-npt")
