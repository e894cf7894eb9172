# Real Xen with a Linux dom0 and stock xl, out of Debian's packages: unpacked, never installed.
"""Make the machine that boots real Xen 4.17 with a Linux dom0, whose script runs some domUs.

On either engine: SVM in QEMU, or VMX in Bochs. A PVH dom0 would need an IOMMU, which Bochs has not.
"""

import gzip
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pyhv import cpio, debian, kernels, xen
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD

TOOLS = ("xen-utils-4.17", "xenstore-utils")
LIBRARIES = (
    "libc6", "libfdt1", "libgcc-s1", "liblzma5", "libuuid1", "libxencall1", "libxendevicemodel1",
    "libxenevtchn1", "libxenforeignmemory1", "libxengnttab1", "libxenhypfs1", "libxenmisc4.17",
    "libxenstore4", "libxentoolcore1", "libxentoollog1", "libyajl2", "libzstd1", "zlib1g",
)
PROGRAMS = (
    "usr/lib/xen-4.17/bin/xl", "usr/lib/xen-4.17/bin/xenstored",
    "usr/lib/xen-4.17/bin/xenconsoled", "usr/lib/xen-4.17/bin/xentrace", "usr/bin/xenstore",
)
# What a thread's end asks for by name, though nothing is linked to it.
ASKED_FOR_LATER = "libgcc_s.so.1"
MODULES = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc")
# QEMU tells of RDTSCP as of RDTSC, and MWAIT faults; Xen's first domain dies of SMAP and SMEP.
MODEL = "EPYC,-rdtscp,-monitor,-smap,-smep"
# Xen may let a timer wait 50 us for others unless told not to.
DOM0_MIB = 384
OPTIONS = (
    f"dom0_mem={DOM0_MIB}M,max:{DOM0_MIB}M dom0_max_vcpus=1 console=com1 com1=115200,8n1 "
    "timer_slop=0"
)
KERNEL_OPTIONS = "console=hvc0 quiet rdinit=/init"

# The first program of dom0. Guests' consoles are logged by xenconsoled, so that dom0 sleeps while
# they run; `run-guests` then says what is to be done.
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


@dataclass(frozen=True)
class Guest:
    """A PVH guest: its name, kernel, command line, memory, RAM disk and number of vCPUs."""

    name: str
    kernel: Path
    options: str = ""
    memory_mib: int = 16
    ramdisk: bytes | None = None
    vcpus: int = 1


def _xl_file(guest: Guest) -> str:
    lines = [
        f'name="{guest.name}"', 'type="pvh"', f'kernel="/{guest.name}.kernel"',
        f"memory={guest.memory_mib}", f"vcpus={guest.vcpus}",
        'tsc_mode="native"', 'on_crash="preserve"',
    ]
    if guest.options:
        lines.append(f'cmdline="{guest.options}"')
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


def _libraries(packages: tuple[str, ...]) -> dict[str, Path]:
    """Return every shared library of the packages, by the name that programs ask for."""
    found = {}
    for name in packages:
        root = debian.unpack(debian.fetch(name))
        found |= {path.name: path for path in root.glob("**/*.so*")}
    return found


def _needed(program: Path) -> list[str]:
    done = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout)


def with_libraries(programs: list[Path], packages: tuple[str, ...]) -> list[cpio.Entry]:
    """Return all shared libraries that the programs need, out of these packages."""
    known, wanted = _libraries(packages), list(programs)
    late = known[ASKED_FOR_LATER]
    entries = {ASKED_FOR_LATER: cpio.program(f"lib/{ASKED_FOR_LATER}", late.read_bytes())}
    while wanted:
        for name in _needed(wanted.pop()):
            if name in entries:
                continue
            if name not in known:
                raise Failure(f"no package that dom0 is made of holds {name}")
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


def _root(
    kernel: kernels.Fetched, guests: list[Guest], script: str, more: list[cpio.Entry]
) -> bytes:
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
        *with_libraries(programs, LIBRARIES), *_modules(kernel),
        cpio.directory("etc/xen"), cpio.Entry("etc/xen/xl.conf"),
        cpio.program("init", init.encode()),
        cpio.Entry("run-guests", script.encode()),
    ]
    for guest in guests:
        entries += _files(guest)
    # What two programs need is there once
    return cpio.pack({entry.name: entry for entry in (*entries, *more)}.values())


def machine(
    guests: list[Guest], script: str, engine: str = "svm", image: Path | None = None,
    options: str = "", name: str = "xen-dom0", more: list[cpio.Entry] | None = None, **fields,
) -> Machine:
    """Return the machine: dom0 finds NAME.xl for each guest, and runs `script` when it is ready.

    `image` is Xen, or a changed copy of it, and `options` are further ones for it; `name` tells
    this machine's files from others'. `more` are further files of dom0's.
    """
    kernel = kernels.fetch_kernel("amd64")
    root = BUILD / "xen" / f"{name}.cpio.gz"
    root.parent.mkdir(parents=True, exist_ok=True)
    root.write_bytes(gzip.compress(_root(kernel, guests, script, more or []), 1, mtime=0))
    usual = {"memory_mib": 1024, "chipset": "q35"}
    if engine == "svm":
        usual["model"] = MODEL
    return Machine(
        engine=engine, image=image or xen.fetch()[1], first_kernel=kernels.path_of(kernel),
        first_options=KERNEL_OPTIONS, module=root, options=f"{OPTIONS} {options}".strip(),
        **(usual | fields),
    )
