# Is it true that real Xen's Linux guest says what linux_warnings.toml claims of it?
"""Boot Debian's kernels as domUs of real Xen on the same engine, and read what they warn of."""

import re

import linux_lab as lab
import pytest

from pyhv import build, cpio, kernels, xl
from pyhv.emulator import Emulator

pytestmark = [pytest.mark.events, pytest.mark.long]

OVER = "every guest has spoken"
# The guest's first program: its log, and then its end.
TELL = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
{lab.SHOW_WARNINGS}
poweroff -f
"""
# Real Xen, its dom0 and three guests, in seconds.
TIMEOUT = {"svm": 600, "vmx": 3600}


# Linux's flavour and processors. With two of them none ends under real Xen in Bochs 2.7, which
# hands an interrupt to a guest that has them off: Linux waits for its own lock.
GUESTS = {
    "svm": (("cloud-amd64", 1), ("cloud-amd64", 2), ("amd64", 2)),
    "vmx": (("cloud-amd64", 1), ("amd64", 1)),
}


def guests(engine: str) -> list[xl.Guest]:
    """Return the kernels to boot on that engine."""
    root = build.initramfs_bytes() + cpio.pack([cpio.program("tell", TELL.encode())])
    return [
        xl.Guest(
            f"{flavour}-{vcpus}", kernels.path_of(kernels.fetch_kernel(flavour)),
            "console=hvc0 quiet loglevel=0 rdinit=/tell", 256, root, vcpus,
        )
        for flavour, vcpus in GUESTS[engine]
    ]


@pytest.mark.parametrize("engine", ["svm", "vmx"])
def test_xens_guest_says_so_too(engine):
    orders = guests(engine)
    script = "".join(
        f"xl create -F /{order.name}.xl\ncat /var/log/xen/console/guest-{order.name}.log\n"
        for order in orders
    )
    machine = xl.machine(
        orders, f"{script}echo {OVER}\npoweroff -f\n", engine, name="warnings"
    )
    with Emulator(machine) as emulator:
        emulator.expect(OVER, TIMEOUT[engine])
        lines = lab.warnings_in(emulator.log)
    claims = [entry["says"] for entry in lab.KNOWN if engine in entry.get("xen", ())]
    assert [says for says in claims if not any(re.fullmatch(says, line) for line in lines)] == []
