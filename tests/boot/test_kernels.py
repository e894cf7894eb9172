# Other people's kernels, out of Debian's packages: GRUB's PVH image, and Xen itself as a shim.
"""Kernels that were not written for us, and what they reach."""

import re

import pytest

from pyhv import build, cpio, debian
from pyhv import sentences as say
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.events

GRUB = ("grub-xen-host", "usr/lib/grub-xen/grub-i386-xen_pvh.bin")
SHIM = ("xen-utils-4.17", "usr/lib/xen-4.17/boot/xen-shim")
GRUB_PROMPT = "grub> "
CREATE_SHIM = (
    "create shim kernel=shim {ramdisks} memory=256 vcpus={vcpus} "
    'cmdline="pv-shim console=xen,pv loglvl=all"'
)


def _file(package: str, path: str) -> bytes:
    return (debian.unpack(debian.fetch(package)) / path).read_bytes()


@pytest.fixture
def start(boot, image, tmp_path):
    """Boot a machine to dom0's prompt, with more files in its module."""

    def wait(engine: str, *files: cpio.Entry) -> Dom0:
        where = image().parent / "chapters" / "module"
        path = tmp_path / "module.cpio"
        path.write_bytes(cpio.pack([
            cpio.program("dom0", (where / "dom0").read_bytes()), *files,
            cpio.Entry("rc", b"list\n"),
        ]))
        shell = Dom0(boot(engine=engine, image=image(), module=path))
        shell.wait_for_prompt()
        return shell

    return wait


def _in_grub(dom0: Dom0, command: str, answer: str) -> re.Match[str]:
    """Type a command to GRUB, whose echo moves the cursor at each letter; wait for its answer."""
    dom0.machine.send_line(command)
    match = dom0.expect(answer)
    dom0.expect(GRUB_PROMPT)
    return match


@pytest.mark.parametrize("engine", ["svm", "vmx"])
def test_grub_takes_commands_at_its_prompt(start, engine):
    dom0 = start(engine, cpio.program("grub", _file(*GRUB)))
    dom0.ask("create grub kernel=grub memory=64")
    dom0.enter("grub")
    dom0.machine.expect(GRUB_PROMPT, dom0.boot_timeout)
    _in_grub(dom0, "echo I am $grub_cpu-$grub_platform", "I am i386-xen_pvh")
    _in_grub(dom0, "lsmmap", "base_addr = 0x100000, length = 0x3f00000, available RAM")
    # No disk but its own
    _in_grub(dom0, "ls", r"\n\r*\(memdisk\) \(proc\) ")
    _in_grub(dom0, "cat /nothing", r"error: file `/nothing' not found")
    dom0.machine.send_line("reboot")
    dom0.expect(say.rebooted("grub"))
    dom0.machine.expect(GRUB_PROMPT, dom0.boot_timeout)
    dom0.machine.send_line("halt")
    dom0.expect(say.powered_off("grub"))
    dom0.expect(say.DOM0_PROMPT)


@pytest.mark.parametrize("engine", ["svm", "vmx"])
def test_a_shim_without_a_kernel_says_so_and_falls_alone(start, engine):
    dom0 = start(engine, cpio.program("shim", _file(*SHIM)))
    dom0.type(CREATE_SHIM.format(ramdisks="", vcpus=1))
    dom0.machine.expect(say.crashed("shim"), dom0.boot_timeout)
    dom0.expect(say.DOM0_PROMPT)
    dom0.enter("shim")
    for words in ("Running on Xen", r"Panic on CPU 0:", r"dom0 kernel not specified"):
        dom0.expect(rf"\(XEN\) {words}")
    dom0.leave()
    assert dom0.state("shim")[4] == "c"


@pytest.mark.parametrize("engine, vcpus", [
    ("svm", 1),
    pytest.param("svm", 2, marks=pytest.mark.long),
    pytest.param("vmx", 1, marks=pytest.mark.long),
])
def test_linux_runs_as_a_pv_guest_of_the_shim(start, engine, vcpus):
    kernel, initrd = build.linux_entries()
    dom0 = start(engine, cpio.program("shim", _file(*SHIM)), kernel, initrd)
    dom0.boot_timeout *= 3
    dom0.ask(CREATE_SHIM.format(ramdisks="ramdisk=vmlinuz ramdisk=initrd", vcpus=vcpus))
    dom0.enter("shim")
    dom0.machine.expect(r"\(XEN\) \*\*\* Building a PV Dom\d+ \*\*\*", dom0.boot_timeout)
    dom0.wait_for_linux()
    assert "PV" in dom0.in_linux("cat /sys/hypervisor/guest_type").splitlines()
    assert re.search(rf"^{vcpus}\r*$", dom0.in_linux("grep -c ^processor /proc/cpuinfo"), re.M)
    dom0.machine.send_line("poweroff -f")
    dom0.expect(say.powered_off("shim"))
    dom0.expect(say.DOM0_PROMPT)
