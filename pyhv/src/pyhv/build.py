# From sources to an image and a boot module, by CMake and by cpio.
"""Build the hypervisor, its guests, and the module that they arrive in."""

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from pyhv import cpio, initramfs, kernels
from pyhv.errors import Failure
from pyhv.paths import BUILD, ROOT, chapters

LINUX_OPTIONS = "console=hvc0 quiet"


def tree(through: str | None = None) -> Path:
    """Return the build tree for everything, or for what stands at the end of a chapter."""
    return BUILD / f"through-{through}" if through else BUILD


def run(words: list[str], show: bool) -> None:
    output = None if show else subprocess.PIPE
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        text=True, check=False,
    )
    if done.returncode != 0:
        raise Failure(f"the build failed: {' '.join(words)}", done.stdout or "")


def configure(through: str | None = None) -> Path:
    """Configure the tree unless it has been: Ninja itself notices later changes."""
    where = tree(through)
    if not (where / "build.ninja").exists():
        chapter = through or chapters()[-1]
        run(["cmake", "-S", str(ROOT), "-B", str(where), "-G", "Ninja",
              f"-DHV_THROUGH={chapter}"], show=False)
    return where


def image_targets(through: str | None = None) -> list[str]:
    """Return what a machine needs: the image, and from domains on a boot module's guests."""
    return ["hv.elf", "module"] if reaches("domains", through) else ["hv.elf"]


def build(targets: list[str], through: str | None = None, show: bool = True) -> Path:
    """Build targets, showing progress, and return the build tree."""
    where = configure(through)
    run(["ninja", "-C", str(where), *(["--quiet"] if not show else []), *targets], show)
    return where


# What Ninja says of each step: how many are done, of how many.
STEP = re.compile(r"\[(\d+)/(\d+)\]")


def step_by_step(
    targets: list[str], on_step: Callable[[int, int], object], through: str | None = None,
) -> Path:
    """Build targets, telling how many steps are done, of how many; return the build tree."""
    where = configure(through)
    words = ["ninja", "-C", str(where), *targets]
    said: list[str] = []
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as ninja:
        assert ninja.stdout is not None
        for line in ninja.stdout:
            said.append(line)
            if match := STEP.match(line):
                on_step(int(match[1]), int(match[2]))
    if ninja.returncode != 0:
        raise Failure(f"the build failed: {' '.join(words)}", "".join(said))
    return where


def with_progress(targets: list[str], through: str | None = None) -> Path:
    """Build targets with a bar, on a terminal or in a notebook; return the build tree."""
    from tqdm import tqdm

    with tqdm(desc="building", leave=False, delay=1.0) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return step_by_step(targets, show, through)


def reaches(chapter: str, through: str | None) -> bool:
    """Return whether a build through a chapter includes another one."""
    order = chapters()
    return order.index(chapter) <= order.index(through or order[-1])


def first_commands(with_linux: bool) -> str:
    """Return `rc`: what dom0's shell does before it asks a person."""
    lines = ["create hello kernel=hello memory=16"]
    if with_linux:
        lines.append(
            "create linux kernel=vmlinuz ramdisk=initrd memory=256 vcpus=1 "
            f'cmdline="{LINUX_OPTIONS}"'
        )
    return "\n".join([*lines, "list", ""])


def initramfs_bytes() -> bytes:
    """Return the busybox initramfs."""
    return initramfs.build(kernels.path_of(kernels.fetch_busybox()))


def initramfs_hash() -> str:
    """Return the SHA-256 of the initramfs."""
    return hashlib.sha256(initramfs_bytes()).hexdigest()


def linux_entries() -> list[cpio.Entry]:
    """Return Debian's kernel, as it is, and the initramfs."""
    kernel = kernels.path_of(kernels.fetch_kernel())
    return [cpio.Entry("vmlinuz", kernel.read_bytes()), cpio.Entry("initrd", initramfs_bytes())]


def write_module(
    path: Path, where: Path, commands: str, with_linux: bool,
    guests: tuple[str, ...] = ("hello",), files: Iterable[cpio.Entry] = (),
) -> Path:
    """Write the boot module of a build tree, leaving it alone if it would be the same."""
    entries = [
        cpio.program(name, (where / "chapters" / "module" / name).read_bytes())
        for name in ("dom0", *guests)
    ]
    entries.append(cpio.Entry("rc", commands.encode()))
    if with_linux:
        entries += linux_entries()
    entries += files
    archive = cpio.pack(entries)
    if not path.exists() or path.read_bytes() != archive:
        path.write_bytes(archive)
    return path
