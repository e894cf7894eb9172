# Debian's cloud kernel as a guest whose first program tells what the boot has cost.
"""Describe the Linux guest of the bench, and read what it says."""

import re
import stat
from pathlib import Path

from figures import Figure, Figures
from pyhv import cpio, kernels
from pyhv.errors import Failure
from pyhv.xl import Guest

MEMORY_MIB = 256
OPTIONS = "console=hvc0 quiet"


def guest(init: Path) -> Guest:
    """Return the guest: the unmodified kernel, and a RAM disk with our first program."""
    kernel = kernels.path_of(kernels.fetch_kernel())
    driver = next((kernel.parents[1] / "lib" / "modules").glob("**/xen-privcmd.ko"))
    root = cpio.pack([
        cpio.directory("dev"),
        cpio.Entry("dev/console", mode=stat.S_IFCHR | 0o600, device=(5, 1)),
        cpio.program("init", init.read_bytes()),
        cpio.Entry("xen-privcmd.ko", driver.read_bytes()),
    ])
    return Guest("linux", kernel, OPTIONS, MEMORY_MIB, root)


def parse(said: str) -> Figures:
    """Return the instructions from the kernel's entry to its first program, in millions."""
    found = re.search(r"boot: ran (\d+)", said)
    if not found or int(found[1]) == 0:
        raise Failure("Linux did not say what its boot has cost", said[-3000:])
    return {"linux-total": Figure(int(found[1]) / 1e6)}
