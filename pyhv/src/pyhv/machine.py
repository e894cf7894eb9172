# What to boot, and on what: the questions that each emulator's command line answers.
"""Describe a machine to be emulated."""

from dataclasses import dataclass
from pathlib import Path

from pyhv.errors import WrongArgument

ENGINES = ("svm", "vmx")
ACCELERATORS = ("tcg", "kvm")
FIRMWARES = ("direct", "bios", "uefi")
LINES = {"qemu": ("virtio", "com2"), "bochs": ("com2",)}
"""What a link can go over in each emulator, the usual first."""


@dataclass(frozen=True)
class Machine:
    """A machine and what it boots.

    `firmware` is how the image arrives: `direct` (QEMU's own PVH loader), or from a GRUB ISO on
    `bios` or `uefi`. `model` is the emulator's name of the CPU, `run_by` the emulator; empty takes
    the usual one. `grub` are commands for GRUB to run first, which can leave the machine as some
    firmware would; `rom` is another BIOS for Bochs than its own. `debugger` is where QEMU opens a
    socket for one; in Bochs, which has its own, any path will do. With `held` the machine does not
    run before QEMU's debugger says so. `monitor` is where QEMU opens a socket for its monitor.
    `link` is where dom0's link can be reached: QEMU listens there on a Unix socket, and Bochs opens
    it as a terminal device. `link_over` is what it goes over: "virtio" or "com2"; empty takes the
    usual one. Without a `link` there is neither.
    Without `serial` there is no COM1: a machine with a screen and a keyboard. `first_kernel` is the
    first domain's kernel where it is not in the module, and `first_options` its command line: real
    Xen wants it so. `ips` is how many instructions Bochs counts as a second. `more` is further
    words for QEMU.
    """

    engine: str = "svm"
    accel: str = "tcg"
    image: Path | None = None
    module: Path | None = None
    first_kernel: Path | None = None
    first_options: str = ""
    options: str = ""
    cpus: int = 1
    memory_mib: int = 512
    firmware: str = "direct"
    chipset: str = "pc"
    model: str = ""
    run_by: str = ""
    grub: tuple[str, ...] = ()
    rom: Path | None = None
    debugger: Path | None = None
    held: bool = False
    monitor: Path | None = None
    link: Path | None = None
    link_over: str = ""
    serial: bool = True
    ips: int = 50_000_000
    more: tuple[str, ...] = ()

    @property
    def emulator(self) -> str:
        """Return which emulator runs it: VMX without KVM is Bochs's, all else QEMU's."""
        usual = "bochs" if self.engine == "vmx" and self.accel == "tcg" else "qemu"
        return self.run_by or usual

    @property
    def line(self) -> str:
        """Return what the link goes over. Raises WrongArgument where that cannot be."""
        known = LINES[self.emulator]
        if self.link_over and self.link_over not in known:
            raise WrongArgument(f"link_over={self.link_over!r}: in {self.emulator} the link goes "
                                f"over {' or '.join(known)}")
        return self.link_over or known[0]

    @property
    def boots_from_iso(self) -> bool:
        """Return whether GRUB brings the image: by wish, or because Bochs has no loader."""
        return self.firmware != "direct" or self.emulator == "bochs"
