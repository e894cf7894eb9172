# Real Xen with a Linux dom0 and stock xl, out of Debian's packages: unpacked, never installed.
"""Make the files that boot real Xen 4.17 with a Linux dom0 whose script runs some domUs."""

import gzip
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import emulate
from guests import Guest
from pyhv import cpio, debian, kernels, xen
from pyhv.errors import Failure
from pyhv.paths import BUILD

TOOLS = ("xen-utils-4.17", "xenstore-utils")
LIBRARIES = (
    "libc6", "libfdt1", "libgcc-s1", "liblzma5", "libuuid1", "libxencall1", "libxendevicemodel1",
    "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxenhypfs1", "libxenmisc4.17",
    "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2", "libzstd1", "zlib1g",
)
PROGRAMS = (
    "usr/lib/xen-4.17/bin/xl", "usr/lib/xen-4.17/bin/xenstored",
    "usr/lib/xen-4.17/bin/xenconsoled", "usr/bin/xenstore",
)
# What a thread's end asks for by name, though nothing is linked to it.
ASKED_FOR_LATER = "libgcc_s.so.1"
MODULES = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc")
WORK = BUILD / "bench"
# Xen may let a timer wait 50 us for others unless told not to.
OPTIONS = (
    "dom0_mem=512M,max:512M dom0_max_vcpus=1 console=com1 com1=115200,8n1 timer_slop=0"
)
# What in Xen finds out how long the guest's instruction was.
DECODER = "svm_get_insn_len"
OVER = "the bench is over"

# The first program of dom0. Guests' consoles are logged by xenconsoled, so that dom0 sleeps while
# they run; `run` then says what is to be done.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/lib
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /run/xen /run/xenstored /var/lib/xenstored /var/lib/xen /var/log/xen/console
ln -s /run /var/run
mount -t devpts devpts /dev/pts
for module in %(modules)s; do insmod /$module.ko; done
mount -t xenfs xenfs /proc/xen
xenstored
until xenstore-write /local/pool/0/name Pool-0 2>/dev/null; do sleep 0.1; done
xenstore-write /local/domain/0/name Domain-0
xenstore-write /local/domain/0/domid 0
xenconsoled --log=guest --log-dir=/var/log/xen/console
. /run-guests
"""


def _xl_file(guest: Guest) -> str:
    lines = [
        f'name="{guest.name}"', 'type="pvh"', f'kernel="/{guest.name}.kernel"',
        f'cmdline="{guest.options}"', f"memory={guest.memory_mib}", "vcpus=1",
        'tsc_mode="native"', 'on_crash="preserve"',
    ]
    if guest.ramdisk is not None:
        lines.append(f'ramdisk="/{guest.name}.ramdisk"')
    return "\n".join([*lines, ""])


def _files(guest: Guest) -> list[cpio.Entry]:
    entries = [
        cpio.Entry(f"{guest.name}.xl", _xl_file(guest).encode()),
        cpio.Entry(f"{guest.name}.kernel", guest.kernel.read_bytes()),
    ]
    if guest.ramdisk is not None:
        entries.append(cpio.Entry(f"{guest.name}.ramdisk", guest.ramdisk))
    return entries


def with_sections() -> Path:
    """Return Xen as an EFI program: the same code, and a file that names its sections."""
    return debian.unpack(xen.fetch()[0]) / "boot" / "xen-4.17-amd64.efi"


def _libraries() -> dict[str, Path]:
    """Return every shared library of the packages, by the name that programs ask for."""
    found = {}
    for name in LIBRARIES:
        root = debian.unpack(debian.fetch(name))
        found |= {path.name: path for path in root.glob("**/*.so*")}
    return found


def _needed(program: Path) -> list[str]:
    done = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout)


def _with_libraries(programs: list[Path]) -> list[cpio.Entry]:
    known, wanted = _libraries(), list(programs)
    late = known[ASKED_FOR_LATER]
    entries = {ASKED_FOR_LATER: cpio.program(f"lib/{ASKED_FOR_LATER}", late.read_bytes())}
    while wanted:
        for name in _needed(wanted.pop()):
            if name in entries:
                continue
            if name not in known:
                raise Failure(f"no package of tests/bench holds {name}")
            entries[name] = cpio.program(f"lib/{name}", known[name].read_bytes())
            wanted.append(known[name])
    entries["ld"] = cpio.link("lib64", "lib")
    return list(entries.values())


def _modules(kernel: kernels.Fetched) -> list[cpio.Entry]:
    root = BUILD / kernel.path
    tree = root.parents[1] / "lib" / "modules"
    return [
        cpio.Entry(f"{name}.ko", next(tree.glob(f"**/{name}.ko")).read_bytes())
        for name in MODULES
    ]


def _root(kernel: kernels.Fetched, guests: list[Guest], script: str) -> bytes:
    trees = [debian.unpack(debian.fetch(name)) for name in TOOLS]
    programs = [next(tree / name for tree in trees if (tree / name).exists()) for name in PROGRAMS]
    busybox = kernels.path_of(kernels.fetch_busybox())
    folders = ("bin", "dev", "etc", "lib", "proc", "run", "sys", "tmp", "var")
    init = INIT % {"modules": " ".join(MODULES)}
    entries = [
        *(cpio.directory(name) for name in folders),
        cpio.program("bin/busybox", busybox.read_bytes()),
        cpio.link("bin/sh", "busybox"),
        cpio.Entry("dev/console", mode=stat.S_IFCHR | 0o600, device=(5, 1)),
        *(cpio.program(f"bin/{path.name}", path.read_bytes()) for path in programs),
        *(cpio.link(f"bin/xenstore-{verb}", "xenstore") for verb in ("read", "write", "ls")),
        *_with_libraries(programs), *_modules(kernel),
        cpio.program("init", init.encode()),
        cpio.Entry("run-guests", script.encode()),
    ]
    for guest in guests:
        entries += _files(guest)
    return cpio.pack(entries)


def _script(guests: list[Guest]) -> str:
    """Create the guests in turn, wait for the last one's end, and tell what it said."""
    *others, last = guests
    lines = [f"xl create /{guest.name}.xl" for guest in others]
    lines += [
        f"grep {DECODER} /proc/xen/xensyms", f"xl create -F /{last.name}.xl",
        f"cat /var/log/xen/console/guest-{last.name}.log", f"echo {OVER}", "poweroff -f",
    ]
    return "\n".join([*lines, ""])


def run(
    guests: list[Guest], timeout: float, echo: Callable[[str], None], image: Path | None = None
) -> str:
    """Run the guests until the last one has ended; return all that COM1 said.

    `image` is Xen, or a changed copy of it.
    """
    kernel = kernels.fetch_kernel("amd64")
    root = WORK / "xen-dom0.cpio.gz"
    WORK.mkdir(parents=True, exist_ok=True)
    root.write_bytes(gzip.compress(_root(kernel, guests, _script(guests)), 1, mtime=0))
    words = [
        "-M", "q35", "-m", "1024", "-nic", "none", "-vga", "none",
        "-kernel", str(image or xen.fetch()[1]), "-append", OPTIONS,
        "-initrd", f"{kernels.path_of(kernel)} console=hvc0 quiet rdinit=/init,{root}",
    ]
    return emulate.run(words, f"^{OVER}|crashed on cpu", timeout, echo)
