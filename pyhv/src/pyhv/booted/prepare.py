# From what a person asks for to a machine that can be started: its image, its module, its emulator.
"""Build what a machine boots, and describe it."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyhv import acceleration, build, cpio, kernels, qemu
from pyhv.errors import NotInstalled, WrongArgument
from pyhv.machine import ENGINES, Machine
from pyhv.paths import chapters

LINUX = "linux"
MOST_CPUS, LEAST_MEMORY = 8, 32
PACKAGES = {"qemu": ("qemu-system-x86_64", "qemu-system-x86"), "bochs": ("bochs", "bochs-term")}
"""Each emulator's program, and Debian's package of it."""
LINK_FROM = "domains"
"""The first chapter that has a dom0, and with it somebody who answers."""


@dataclass(frozen=True)
class Wish:
    """What a person asks for: see `pyhv.boot`."""

    engine: str = "svm"
    cpus: int = 1
    memory: int = 512
    guests: Sequence[str] = ("hello",)
    files: Mapping[str, Path | str | bytes] = field(default_factory=dict)
    commands: str = ""
    options: str = ""
    accel: str = "tcg"
    counted: bool = False
    through: str | None = None

    def check(self) -> None:
        """Raise WrongArgument where it cannot be, before anything is built."""
        if self.engine not in ENGINES:
            raise WrongArgument(f"engine={self.engine!r}: it is {' or '.join(ENGINES)}")
        if not 1 <= self.cpus <= MOST_CPUS:
            raise WrongArgument(f"cpus={self.cpus}: a machine has 1 to {MOST_CPUS}")
        if self.memory < LEAST_MEMORY:
            raise WrongArgument(f"memory={self.memory}: a machine has {LEAST_MEMORY} MiB or more")
        if self.through is not None and self.through not in chapters():
            known = " ".join(chapters())
            raise WrongArgument(f"through={self.through!r}: the chapters are {known}")
        if self.counted and (self.accel != "tcg" or self.engine != "svm" or self.cpus != 1):
            raise WrongArgument("counted=True is QEMU's, emulating one pCPU: engine=\"svm\", "
                                "accel=\"tcg\", cpus=1")
        if self.through is not None and not build.reaches(LINK_FROM, self.through):
            raise WrongArgument(f"through={self.through!r} has no dom0 that could answer: the "
                                f"machine says what it does and powers off. {LINK_FROM} is the "
                                f"first that has one; ./chapters/tour --through {self.through} "
                                "shows the other")


def need_emulator(name: str) -> None:
    """Raise NotInstalled where the emulator is not there."""
    program, package = PACKAGES[name]
    if not shutil.which(program):
        raise NotInstalled(f"{program} is not installed: apt-get install {package} (hv doctor "
                           "names all that is missing)")


def _content(file: Path | str | bytes) -> bytes:
    return file if isinstance(file, bytes) else Path(file).read_bytes()


def write_module(wish: Wish, where: Path, path: Path) -> Path:
    """Write the boot module: dom0, the guests, Debian's kernel where it is asked for, the files."""
    small = tuple(name for name in wish.guests if name != LINUX)
    there = where / "chapters" / "module"
    for name in small:
        if not (there / name).exists():
            known = " ".join(sorted(file.name for file in there.iterdir()))
            raise WrongArgument(f"there is no guest {name!r}; there are: {known} {LINUX}")
    files = [cpio.Entry(name, _content(file)) for name, file in wish.files.items()]
    return build.write_module(path, where, wish.commands, LINUX in wish.guests, small, files)


def check_and_build(wish: Wish) -> Path:
    """Build what is missing, with a bar where it takes long, and return the build tree.

    Raises WrongArgument, NotInstalled, and Failure where it does not build.
    """
    wish.check()
    accel, engine = acceleration.choose(wish.accel, wish.engine)
    need_emulator(Machine(engine=engine, accel=accel).emulator)
    where = build.with_progress(build.image_targets(wish.through), wish.through)
    if LINUX in wish.guests:
        kernels.fetch_kernel()
        kernels.fetch_busybox()
    return where


def prepare(wish: Wish, folder: Path) -> Machine:
    """Build what is missing and return the machine; its module and sockets lie in `folder`."""
    where = check_and_build(wish)
    accel, engine = acceleration.choose(wish.accel, wish.engine)
    return Machine(
        engine=engine, accel=accel, image=where / "hv.elf", options=wish.options,
        module=write_module(wish, where, folder / "module.cpio"), cpus=wish.cpus,
        memory_mib=wish.memory, more=qemu.REPEATABLE if wish.counted else (),
    )
