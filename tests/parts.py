# Runs the parts of the tests in turn, the fast ones first, and adds up their results.
"""The Python half of ./tests/run."""

import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyhv import build
from pyhv.errors import Failure
from pyhv.paths import BUILD, ROOT, chapters

TESTS = ROOT / "tests"
RESULTS = BUILD / "results"


@dataclass
class Tally:
    """Counts of tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Tally") -> None:
        """Add another tally's counts to this one's."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def _read_junit(file: Path) -> Tally:
    tally = Tally()
    for case in xml.parse(file).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            tally.failed += 1
        elif "skipped" in kinds:
            tally.skipped += 1
        else:
            tally.passed += 1
    return tally


def _run(words: list[str], result: Path) -> Tally:
    """Run a test program that writes JUnit's format; one that dies without it has failed."""
    result.parent.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    tally = _read_junit(result) if result.exists() else Tally()
    if done.returncode != 0 and tally.failed == 0 and done.returncode != NOTHING_TO_RUN:
        print(f"failed with status {done.returncode}: {' '.join(words)}")
        tally.failed = 1
    return tally


# pytest's status where no test was chosen.
NOTHING_TO_RUN = 5


def _pytest(name: str, *words: str, marks: str = "not long") -> Tally:
    result = RESULTS / f"{name}.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", "-ra"]
    return _run([*command, f"--junitxml={result}", "-m", marks, *words], result)


def _googletest(name: str) -> Tally:
    result = RESULTS / f"{name}.xml"
    return _run([str(BUILD / "unit"), "--gtest_brief=1", f"--gtest_output=xml:{result}"], result)


def _command(*words: str) -> Tally:
    """Run a command that is one test by itself."""
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    return Tally(passed=1) if done.returncode == 0 else Tally(failed=1)


def unit() -> Tally:
    """The hosted tests, and those of the Python tooling."""
    build.build(["_hosted"])  # which Python drives
    tally = _pytest("unit-python", "-q", str(TESTS / "unit"))
    build.build(["unit"])
    tally.add(_googletest("unit-hosted"))
    return tally


def book() -> Tally:
    """The checkers of the source, their own tests, and the book itself."""
    # One of the checkers reads the image's variables; the notebooks boot it, and run it hosted
    build.build(["hv.elf", "module", "_hosted"])
    # Some tests look at the pages as they were built
    tally = _command("cmake", "--build", str(BUILD), "--target", "book")
    tally.add(_pytest("book", "-q", str(TESTS / "book")))
    return tally


# A file's tests share their machines, so they stay together; files are shared out among the cores.
ON_ALL_CORES = ("--numprocesses=auto", "--dist=loadscope")


def _machines(name: str, marks: str = "not long") -> Tally:
    build.build(["hv.elf", "module", "_hosted"])  # _hosted reads a frozen machine
    return _pytest(name, "-v", *ON_ALL_CORES, str(TESTS / "boot"), marks=marks)


def boot() -> Tally:
    """The machines, on the emulators."""
    return _machines("boot")


def _folder(name: str) -> Callable[[], Tally]:
    return lambda: _pytest(name, "-v", str(TESTS / name))


def _chapter(name: str) -> Callable[[], Tally]:
    """What concerns one chapter: the tests on emulators that bear its name."""
    return lambda: _machines(name, f"{name} and not long")


def long() -> Tally:
    """What takes too long for every day: real Xen in Bochs, the soak, clang-tidy, all pages."""
    tally = Tally()
    # Each folder by itself: two of them may have a file of the same name
    for name in ("unit", "book", "boot", "static", "oracle", "bench"):
        tally.add(_pytest(f"long-{name}", "-v", str(TESTS / name), marks="long"))
    return tally


def parts() -> dict[str, Callable[[], Tally]]:
    """Return every part, in the order in which they run; `boot` is also that chapter."""
    named = {"unit": unit, "book": book, "boot": boot}
    named |= {name: _folder(name) for name in ("static", "oracle", "bench")}
    named["long"] = long
    return named | {name: _chapter(name) for name in chapters() if name not in named}


def _default() -> list[str]:
    # Another chapter's part is a choice of boot's tests, and `long` is asked for by name
    return [name for name in parts() if name == "boot" or name not in (*chapters(), "long")]


def _run_part(name: str, part: Callable[[], Tally]) -> Tally:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    try:
        tally = part()
    except Failure as failure:
        print(f"{failure.details}\n{failure.reason}")
        tally = Tally(failed=1)
    seconds = time.monotonic() - started
    print(f"== {name}: {tally.passed} passed, {tally.failed} failed, "
          f"{tally.skipped} skipped in {seconds:.0f} s\n", flush=True)
    return tally


def main(names: list[str]) -> int:
    """Run the parts named, or all that exist; return the exit status. --check only reads them."""
    known = parts()
    only_check = names[:1] == ["--check"]
    names = names[1:] if only_check else names
    for name in names:
        if name not in known:
            print(f"there is no part {name}; they are: {' '.join(known)}")
            print("0 passed, 1 failed")
            return 1
    if only_check:
        return 0
    total = Tally()
    for name in names or _default():
        total.add(_run_part(name, known[name]))
    if total == Tally(skipped=total.skipped):
        print("no test was run: there is none of that yet")
    print(f"{total.passed} passed, {total.failed} failed")
    return 0 if total.failed == 0 and total.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
