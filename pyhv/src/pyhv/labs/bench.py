# What a point of a lab is handed: the reader's work, a die, and machines to try it in.
"""The bench that the points of a lab work at."""

import random
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from pyhv import build, cpio
from pyhv import sentences as say
from pyhv.dom0 import BOOT, Dom0
from pyhv.emulator import Emulator
from pyhv.errors import Failure, TookTooLong
from pyhv.labs.catalog import Lab, load_module
from pyhv.machine import Machine
from pyhv.paths import BUILD
from pyhv.speed import scaled

PROBE_SECONDS = 5.0
MADE = BUILD / "labs"
"""Where a copy is laid to be compiled, and what comes of it."""
# What the sanitizers, the library's checks, and an exception that nobody catches say was wrong.
DIED = re.compile(r"\S+ runtime error: .*|SUMMARY: .*|Assertion '.*' failed|what\(\): .*")


def target(lab: Lab, what: str) -> str:
    """Return the name of what the build makes of a lab: its "probe", or its "elf"."""
    return f"lab-{lab.name}-probe" if what == "probe" else f"lab-{lab.name}.elf"


def as_the_readers(lab: Lab, copy: Path, text: str) -> str:
    """Return what a compiler or a sanitizer said, with the paths of the reader's own files."""
    for name in lab.files:
        text = re.sub(rf"[^\s:]*labs/{lab.name}/{name}", str(copy / Path(name).name), text)
    return text


class Bench:
    """A reader's copy of a lab, and what its points can do with it; a context manager.

    `die` is thrown anew by each point, from the same seed. Machines end with the bench.
    """

    def __init__(self, lab: Lab, copy: Path, seed: int, engine: str) -> None:
        self.lab, self.copy, self.seed, self.engine = lab, copy, seed, engine
        self.die = random.Random(seed)
        self.boot_timeout = BOOT[Machine(engine=engine).emulator]
        self._machines = ExitStack()
        self._folder = MADE / "modules" / lab.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._booted: dict[Any, Emulator] = {}
        self._at_prompt: list[Emulator] = []

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._machines.close()

    # T0

    @property
    def guests(self) -> ModuleType:
        """The reader's guests, of a lab in Python."""
        return load_module(self.copy / Path(self.lab.files[0]).name)

    def probe(self, text: str) -> str:
        """Have the lab's probe, which holds the reader's code, read that text; return its answer.

        Raises Failure where it died, with the sanitizer's words, and TookTooLong.
        """
        try:
            done = subprocess.run([MADE / target(self.lab, "probe")], input=text, text=True,
                                  capture_output=True, check=False, timeout=scaled(PROBE_SECONDS))
        except subprocess.TimeoutExpired:
            raise TookTooLong(f"it was still running after {scaled(PROBE_SECONDS):.0f} s") from None
        if done.returncode == 0:
            return done.stdout
        where = as_the_readers(self.lab, self.copy, done.stderr)
        said = DIED.findall(where)
        raise Failure(said[0].strip() if said else f"it ended with status {done.returncode}", where)

    # T1

    @property
    def is_guest(self) -> bool:
        """Whether the reader's work is a guest; else it is a part of the hypervisor."""
        return self.lab.files[0].startswith("chapters/")

    def boot(self, memory: int = 256, files: dict[str, bytes] | None = None) -> Emulator:
        """Boot the reader's image; or ours, with the reader's guest beside it by the lab's name."""
        image = BUILD / "hv.elf" if self.is_guest else MADE / target(self.lab, "elf")
        return self._boot(image, memory, files or {})

    def ours(self, memory: int = 256) -> Emulator:
        """Boot our own image, to compare with."""
        return self._boot(BUILD / "hv.elf", memory, {})

    def _boot(self, image: Path, memory: int, files: dict[str, bytes]) -> Emulator:
        key = (image, memory, tuple(files))
        if key not in self._booted:
            entries = [cpio.Entry(name, data) for name, data in files.items()]
            if self.is_guest:
                entries.append(cpio.program(
                    self.lab.name, (MADE / target(self.lab, "elf")).read_bytes()))
            module = self._folder / f"module-{len(self._booted)}.cpio"
            build.write_module(module, BUILD, "list\n", False,
                               guests=("hello", *self.lab.guests), files=entries)
            machine = Machine(engine=self.engine, image=image, module=module, memory_mib=memory)
            self._booted[key] = self._machines.enter_context(Emulator(machine))
        return self._booted[key]

    def expect(self, machine: Emulator, pattern: str) -> re.Match[str]:
        """Wait until a machine has said something. Raises Failure where it gives up before."""
        index, match = machine.expect_any([pattern, *say.GIVES_UP], self.boot_timeout)
        if index > 0:
            raise machine.failure(match[0].strip())
        return match

    def dom0(self, memory: int = 256, files: dict[str, bytes] | None = None) -> Dom0:
        """Boot as boot() does, unless that machine runs already, and return at dom0's prompt."""
        machine = self.boot(memory, files)
        dom0 = Dom0(machine)
        if machine not in self._at_prompt:
            self.expect(machine, say.DOM0_PROMPT + r"list\r*\n")
            dom0.expect(say.DOM0_PROMPT)
            self._at_prompt.append(machine)
        return dom0

    def hear(self, dom0: Dom0, guest: str, pattern: str) -> re.Match[str]:
        """Enter a guest's console, wait until it has said something, and leave it again."""
        dom0.enter(guest)
        try:
            return dom0.expect(pattern)
        finally:
            dom0.leave()
