# The guests' root file system: busybox, and just enough around it for a shell.
"""Build the busybox initramfs, the same bytes each time."""

import stat
from pathlib import Path

from pyhv import cpio

PROMPT = "linux# "

# Linux starts this as its first program. It mounts what a shell expects, finds out which console
# the kernel uses, and leaves the rest to busybox's init, which also knows poweroff and reboot.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
set -- $(cat /sys/class/tty/console/active)
eval "console=\\${$#}"
cat >/etc/inittab <<END
${console}::respawn:-/bin/sh
::ctrlaltdel:/bin/reboot
END
exec /bin/init
"""

PROFILE = f"""export PATH=/bin
export PS1='{PROMPT}'
"""


def build(busybox: Path) -> bytes:
    """Return the archive, uncompressed, around the busybox at the path given."""
    entries = [
        *(cpio.directory(name) for name in ("bin", "dev", "etc", "proc", "root", "sys", "tmp")),
        cpio.program("bin/busybox", busybox.read_bytes()),
        cpio.link("bin/sh", "busybox"),
        # The kernel itself runs /sbin/poweroff when dom0 asks it to end
        cpio.link("sbin", "bin"),
        cpio.Entry("dev/console", mode=stat.S_IFCHR | 0o600, device=(5, 1)),
        cpio.Entry("etc/passwd", b"root::0:0:root:/root:/bin/sh\n"),
        cpio.Entry("etc/profile", PROFILE.encode()),
        cpio.program("init", INIT.encode()),
    ]
    return cpio.pack(entries)
