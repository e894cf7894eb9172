# What QEMU does to pCPU 0 while another pCPU restores its x87 state.
"""Linux restores its x87 state in a loop; pCPU 0 enters and leaves guests all the while."""

import subprocess
import time

import pytest

from pyhv import build, cpio
from pyhv.dom0 import Dom0

pytestmark = pytest.mark.events

# With each pCPU on a core of its own, no machine outlived 12 s of it
WATCHED = 20.0  # seconds of the host's clock

RESTORE_FOR_EVER = """
alignas(64) static char state[512];
extern "C" void _start() {
    asm volatile("fxsave %0" : "=m"(state));
    for (;;)
        asm volatile("fxrstor %0" : : "m"(state));
}
"""


@pytest.fixture
def restorer(tmp_path):
    """A program for Linux's initramfs."""
    program = tmp_path / "restore-for-ever"
    subprocess.run(["g++", "-O1", "-static", "-nostdlib", "-x", "c++", "-", "-o", program],
                   input=RESTORE_FOR_EVER, text=True, check=True)
    return cpio.pack([cpio.program("bin/restore-for-ever", program.read_bytes())])


def test_restoring_the_x87_state_costs_no_machine(boot, image, tmp_path, restorer):
    kernel, initrd = build.linux_entries()
    module = build.write_module(
        tmp_path / "module.cpio", image().parent, build.first_commands(True), with_linux=False,
        files=[kernel, cpio.Entry("initrd", initrd.data + restorer)],
    )
    shell = Dom0(boot(image=image(), module=module, cpus=2))
    shell.wait_for_prompt()
    shell.enter("linux")
    shell.wait_for_linux()
    shell.in_linux("restore-for-ever &")
    end = time.monotonic() + WATCHED
    while time.monotonic() < end:
        shell.in_linux("cat /proc/uptime")
