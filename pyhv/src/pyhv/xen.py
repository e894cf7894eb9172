# Real Xen, the judge: Debian's package, unpacked, and the machine that it runs on.
"""Boot Debian's Xen 4.17 in QEMU with our dom0 as its first domain."""

import gzip
from pathlib import Path

from pyhv import debian
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD

PACKAGE = "xen-hypervisor-4.17-amd64"
# QEMU reports RDTSCP as RDTSC, and MWAIT faults: without the two, Xen's first domain lives.
MODEL = "EPYC,-rdtscp,-monitor"
# A PVH first domain needs an IOMMU.
IOMMU = ("-device", "amd-iommu")
# Everything that a guest says on port 0xe9 is printed, without a limit on its rate.
OPTIONS = (
    "dom0=pvh dom0_mem={dom0_mib}M console=com1 com1=115200,8n1 guest_loglvl=all/all {options}"
)


def fetch() -> tuple[debian.Package, Path]:
    """Return Debian's package and the hypervisor out of it, unpacked."""
    package = debian.fetch(PACKAGE)
    image = BUILD / "xen" / package.deb.stem
    if not image.exists():
        packed = sorted((debian.unpack(package) / "boot").glob("xen-*.gz"))
        if not packed:
            raise Failure(f"{package.deb} holds no boot/xen-*.gz")
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(gzip.decompress(packed[0].read_bytes()))
    return package, image


def machine(
    dom0: Path, module: Path, dom0_mib: int = 256, options: str = "", **fields
) -> Machine:
    """Return the machine that runs Xen on SVM, with `dom0` as its first domain's kernel."""
    return Machine(
        image=fetch()[1], first_kernel=dom0, module=module, chipset="q35", model=MODEL,
        options=OPTIONS.format(dom0_mib=dom0_mib, options=options).strip(),
        **({"memory_mib": 1024} | fields | {"more": (*IOMMU, *fields.get("more", ()))}),
    )
