# Real Xen with a Linux dom0 and stock xl, out of Debian's packages: unpacked, never installed.
"""Make the files that boot real Xen 4.17 with a Linux dom0 whose script runs some domUs."""

import gzip
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pyhv import cpio, debian, kernels
from pyhv.errors import Failure
from pyhv.paths import BUILD

HYPERVISOR = "xen-hypervisor-4.17-amd64"
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
MODULES = ("xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc")
WORK = BUILD / "bench"

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


@dataclass(frozen=True)
class Guest:
    """A domU: its name, kernel, command line, and what else its xl file says."""

    name: str
    kernel: Path
    options: str = ""
    memory_mib: int = 16
    ramdisk: bytes | None = None

    def xl_file(self) -> str:
        """Return the file for `xl create`."""
        lines = [
            f'name="{self.name}"', 'type="pvh"', f'kernel="/{self.name}.kernel"',
            f'cmdline="{self.options}"', f"memory={self.memory_mib}", "vcpus=1",
            'tsc_mode="native"', 'on_crash="preserve"',
        ]
        if self.ramdisk is not None:
            lines.append(f'ramdisk="/{self.name}.ramdisk"')
        return "\n".join([*lines, ""])

    def entries(self) -> list[cpio.Entry]:
        """Return the guest's files in dom0's root."""
        entries = [
            cpio.Entry(f"{self.name}.xl", self.xl_file().encode()),
            cpio.Entry(f"{self.name}.kernel", self.kernel.read_bytes()),
        ]
        if self.ramdisk is not None:
            entries.append(cpio.Entry(f"{self.name}.ramdisk", self.ramdisk))
        return entries


def hypervisor() -> Path:
    """Return Xen itself, as an ELF that QEMU loads."""
    package = debian.fetch(HYPERVISOR)
    into = WORK / "xen"
    packed = debian.unpack(package) / "boot" / "xen-4.17-amd64.gz"
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_bytes(gzip.decompress(packed.read_bytes()))
    return into


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
    known, entries, wanted = _libraries(), {}, list(programs)
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
        entries += guest.entries()
    return cpio.pack(entries)


def command(guests: list[Guest], script: str, xen_options: str = "") -> list[str]:
    """Return QEMU's command line; `script` is shell that runs in dom0 once xl works."""
    kernel = kernels.fetch_kernel("amd64")
    root = WORK / "xen-dom0.cpio.gz"
    xen = hypervisor()
    root.write_bytes(gzip.compress(_root(kernel, guests, script), 1, mtime=0))
    modules = f"{kernels.path_of(kernel)} console=hvc0 quiet rdinit=/init,{root}"
    return [
        "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "EPYC,-rdtscp,-monitor,-smap,-smep",
        "-m", "1024", "-smp", "1", "-nic", "none", "-vga", "none",
        "-display", "none", "-no-reboot", "-icount", "shift=0,sleep=off", "-seed", "1",
        "-rtc", "base=2026-01-01,clock=vm", "-serial", "stdio", "-kernel", str(xen),
        "-append", f"dom0_mem=512M,max:512M dom0_max_vcpus=1 console=com1 com1=115200,8n1 "
        f"{xen_options}".strip(),
        "-initrd", modules,
    ]
