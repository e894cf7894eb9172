# Checks a copy of a lab: lays it into the build, builds it, and has its points judged.
"""From a reader's copy to its points, one after the other."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pyhv import build
from pyhv.booted.prepare import need_emulator
from pyhv.errors import Failure, NotInstalled
from pyhv.labs.bench import MADE, as_the_readers, target
from pyhv.labs.catalog import Lab
from pyhv.labs.judge import MARK, STAGES, Point, name_of
from pyhv.machine import Machine
from pyhv.speed import scaled
from pyhv.t0 import native

LONGEST = {"hosted": 60.0, "qemu": 180.0, "bochs": 900.0}
"""Seconds for all points of a stage, on the machine that timeouts are written for: the last resort,
since each point says itself what it waits for, and not as long."""
NOT_TRIED = "not tried yet: the hosted points come first"
FAULT = re.compile(r"error: |undefined reference|multiple definition")
MOST_LINES = 20
"""Of what a compiler says: the first error matters, and others follow from it."""

Said = Callable[[str], object]


@dataclass
class Checked:
    """What came of one copy of a lab."""

    lab: Lab
    copy: Path
    seed: int
    points: list[Point] = field(default_factory=list)

    @property
    def reached(self) -> int:
        """How many points are reached."""
        return sum(point.reached for point in self.points)

    @property
    def whole(self) -> bool:
        """Whether all of them are."""
        return self.reached == len(self.points)


def check(lab: Lab, copy: Path, seed: int = 1, engine: str = "svm",
          tell: Said = lambda doing: None) -> Checked:
    """Check a copy: the hosted points first, and if all are reached, the emulated ones.

    `tell` is given what is being done, as it is done. What the reader's files do wrong is a point
    that is not reached, also where they do not compile. Raises Failure where it is not theirs.
    """
    checked = Checked(lab, copy, seed)
    MADE.mkdir(parents=True, exist_ok=True)
    with _alone(tell):
        for stage in STAGES if lab.emulated else ["hosted"]:
            if hindrance := _hindrance(checked, stage, engine):
                checked.points += [Point(name_of(run), "", hindrance, False)
                                   for run in getattr(lab.points(), STAGES[stage])]
            else:
                checked.points += _stage(lab, copy, stage, seed, engine, tell)
    return checked


def _hindrance(checked: Checked, stage: str, engine: str) -> str:
    """Return why a stage cannot be tried; "": it can."""
    if not checked.whole:
        return NOT_TRIED
    if stage == "emulated":
        try:
            need_emulator(Machine(engine=engine).emulator)
        except NotInstalled as missing:
            return f"not tried: {missing.reason}"
    return ""


@contextmanager
def _alone(tell: Said) -> Iterator[None]:
    """Let one check at a time use the build tree."""
    with (MADE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another check in this tree")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stage(lab: Lab, copy: Path, stage: str, seed: int, engine: str, tell: Said) -> list[Point]:
    """Build what a stage needs, and have its points judged."""
    if lab.is_compiled:
        if fault := _build(lab, copy, stage, tell):
            return [fault]
    else:
        native.load()
    emulator = Machine(engine=engine).emulator
    longest = scaled(LONGEST[emulator if stage == "emulated" else stage])
    return list(_judged([lab.name, str(copy), stage, str(seed), engine], longest, tell))


# Building


def _lay(lab: Lab, copy: Path) -> None:
    """Lay the reader's files where the build looks for them; one that is as it was stays."""
    for name in lab.files:
        mine, laid = copy / Path(name).name, MADE / lab.name / name
        if not mine.exists():
            raise Failure(f"there is no {mine}: `hv lab {lab.name}` with another folder makes one "
                          "to copy it from")
        laid.parent.mkdir(parents=True, exist_ok=True)
        if not laid.exists() or laid.read_bytes() != mine.read_bytes():
            laid.write_bytes(mine.read_bytes())


def _build(lab: Lab, copy: Path, stage: str, tell: Said) -> Point | None:
    """Build what a stage needs. Returns a point where the reader's files are at fault."""

    def on_step(done: int, total: int) -> None:
        tell(f"building for the {stage} points, {done} of {total}")

    _lay(lab, copy)
    if stage == "emulated":
        build.step_by_step(build.image_targets(), on_step)
    try:
        build.step_by_step([target(lab, "probe" if stage == "hosted" else "elf")], on_step)
    except Failure as failure:
        said = _of_the_reader(lab, copy, failure.details)
        if not said:
            raise
        return Point("it compiles", "no error", said.splitlines()[0], False,
                     "The compiler's first error is the one to look at.", said)
    return None


def _of_the_reader(lab: Lab, copy: Path, words: str) -> str:
    """Return what compiler or linker said of the reader's files; "" where it was of others.

    The step that failed is theirs where it made something of build/labs.
    """
    step, _, said = words.partition("\nFAILED: ")[2].partition("\n")
    if "labs/" not in step:
        return ""
    lines = [line for line in as_the_readers(lab, copy, said).splitlines()[1:]
             if not line.startswith(("ninja: ", "collect2: "))]
    first = next((at for at, line in enumerate(lines) if FAULT.search(line)), 0)
    return "\n".join(lines[first : first + MOST_LINES])


# Judging


def _judged(words: list[str], longest: float, tell: Said) -> Iterator[Point]:
    """Run the judge in a process of its own, and pass on its points as they come."""
    # What the reader's own code prints goes to whoever looks
    with tempfile.TemporaryFile("w+") as complaints, subprocess.Popen(
        [sys.executable, "-m", "pyhv.labs.judge", *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=complaints, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as judge:
        assert judge.stdout is not None
        over = threading.Event()

        def end() -> None:
            over.set()
            os.killpg(judge.pid, signal.SIGKILL)

        clock = threading.Timer(longest, end)
        clock.start()
        try:
            for line in judge.stdout:
                if not line.startswith(MARK):
                    print(line, end="", file=sys.stderr)
                    continue
                point = Point(**json.loads(line.removeprefix(MARK)))
                tell(f"{point.name}: {'yes' if point.reached else 'not yet'}")
                yield point
        except BaseException:
            end()
            raise
        finally:
            clock.cancel()
        if judge.wait() != 0:
            yield _broken(longest if over.is_set() else None, complaints)


def _broken(longest: float | None, complaints) -> Point:
    """Return the point that a judge leaves who did not come to his end."""
    if longest is not None:
        return Point("it ends", "within its time", f"stopped after {longest:.0f} s", False,
                     "Something waits for ever, or goes round without end.")
    complaints.seek(0)
    said = complaints.read().strip()
    return Point("it can be used", "no error", (said.splitlines() or [""])[-1], False,
                 "The last line of what Python said is what was wrong.", said)
