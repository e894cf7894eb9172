# Subfloor's side of the bench: a build without its own checks, and dom0 that starts the guests.
"""Boot Subfloor with some guests, and return what COM1 said."""

import functools
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import emulate
import figures
from guests import kept_for
from pyhv import cpio, xl
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD, ROOT
from pyhv.xl import Guest

# As Debian builds Xen: optimised, and without the checks that find the authors' mistakes.
TREE = BUILD / "bench" / "tree"


def _build(*words: str | Path) -> None:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )
    if done.returncode != 0:
        raise Failure(f"the build failed: {' '.join(map(str, words))}", done.stdout)


@functools.cache
def image() -> Path:
    """Return the hypervisor that is measured."""
    if not (TREE / "build.ninja").exists():
        _build("cmake", "-S", ROOT, "-B", TREE, "-G", "Ninja", "-DHV_DEBUG=OFF")
    _build("ninja", "-C", TREE, "hv.elf", "module", "meter.elf", "init.elf", "count")
    return TREE / "hv.elf"


def counter() -> Path:
    """Return QEMU's plugin that counts instructions."""
    image()
    return TREE / "bench" / "count.so"


def meter() -> Path:
    """Return the guest that measures: the same file runs under both hypervisors."""
    image()
    return TREE / "guests" / "meter.elf"


def init() -> Path:
    """Return the first program of the Linux that is measured."""
    image()
    return TREE / "guests" / "init.elf"


def module(
    guests: list[Guest], idle: list[Guest] | None = None, traced: str = ""
) -> Path:
    """Write the boot module: dom0, the guests, and the commands that create them in turn.

    Those that are to be idle come first, and go before the others: `info` tells what they cost.
    What is `traced` is noted from before the first guest on.
    """
    commands, files = [f"trace on {traced}"] if traced else [], {}
    if idle:
        commands.append("info")
    for guest in [*(idle or []), *guests]:
        words = [f"create {guest.name} kernel={guest.kernel.name} memory={guest.memory_mib}"]
        if guest.vcpus > 1:
            words.append(f"vcpus={guest.vcpus}")
        files[guest.kernel.name] = guest.kernel.read_bytes()
        if guest.ramdisk is not None:
            words.append(f"ramdisk={guest.name}.initrd")
            files[f"{guest.name}.initrd"] = guest.ramdisk
        if guest.options:
            words.append(f'cmdline="{guest.options}"')
        commands.append(" ".join(words))
        if idle and guest in idle:
            commands.append("info")
        if idle and guest is idle[-1]:
            commands += [f"destroy {one.name}" for one in idle]
    commands += [f"console {guests[-1].name}", ""]
    dom0 = (TREE / "chapters" / "module" / "dom0").read_bytes()
    path = BUILD / "bench" / "module.cpio"
    path.write_bytes(cpio.pack([
        cpio.program("dom0", dom0), cpio.Entry("rc", "\n".join(commands).encode()),
        *(cpio.Entry(name, data) for name, data in files.items()),
    ]))
    return path


def machine(
    guests: list[Guest], engine: str = "svm", idle: list[Guest] | None = None, traced: str = ""
) -> Machine:
    """Return the machine that runs the guests, as like to real Xen's as can be."""
    model = xl.MODEL if engine == "svm" else ""
    return Machine(
        engine=engine, image=image(), module=module(guests, idle, traced), memory_mib=1024,
        model=model,
    )


def memory(said: str) -> figures.Figures:
    """Return what is kept at boot, and for a domain."""
    free = [int(found) for found in re.findall(r"^free_memory +: (\d+) KiB", said, re.M)]
    return figures.only(said, "kept", r"I keep (\d+) frames", 4) | kept_for(free)


def run(
    guests: list[Guest], timeout: float, echo: Callable[[str], None], engine: str = "svm",
    idle: list[Guest] | None = None, traced: str = "",
) -> str:
    """Run the guests until the last one has ended; return all that COM1 said."""
    ended = r"its console is closed|crashed"
    return emulate.run(machine(guests, engine, idle, traced), ended, timeout, echo)
