# What is found without running: checkers' warnings, layouts; and hosted tests on another CPU.
"""Each checker finds nothing beyond the short list, and does find a planted fault."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from pyhv import build
from pyhv.paths import BUILD, ROOT

HERE = Path(__file__).parent
# The checked code: all that runs on the bare machine.
CHECKED = ("hv", "chapters/kit", "chapters/dom0")
CLANG = ("-DCMAKE_CXX_COMPILER=clang++", "-DCMAKE_C_COMPILER=clang",
         "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld", "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON")
OTHER_CPU = ("-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
             "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc",
             "-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++")
RUN_ON_OTHER_CPU = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")
# A division by zero, and an index beyond its array.
FAULTY = "int main(int count, char**) { int of[2] = {}; return count / of[0] + of[2]; }\n"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def configure(name: str, options: tuple[str, ...]) -> Path:
    """Configure a tree of its own, which also lists how each file is compiled."""
    where = BUILD / name
    build.run(["cmake", "-S", str(ROOT), "-B", str(where), "-G", "Ninja", *options], show=False)
    return where


def cppcheck(*words: str) -> subprocess.CompletedProcess[str]:
    return run("cppcheck", "--quiet", "--std=c++20", "--language=c++", "--max-configs=1",
               "--enable=warning,performance,portability", "--error-exitcode=1",
               f"-j{os.cpu_count()}", *words)


def test_cppcheck_finds_nothing():
    made = configure("clang", CLANG) / "hv" / "made"
    found = cppcheck(f"--suppressions-list={HERE / 'cppcheck.txt'}", "-Ihv", f"-I{made}",
                     "-Ichapters", "-DHV_HOSTED=0", "-DHV_DEBUG=1", "-DHV_THROUGH=7", *CHECKED)
    assert found.returncode == 0, found.stdout


def checked_once(where: Path) -> Path:
    """Write how each checked file is compiled first: the image's way, where it is in the image."""
    ways: dict[str, dict[str, str]] = {}
    for way in json.loads((where / "compile_commands.json").read_text()):
        file = os.path.relpath(way["file"], ROOT)
        if file.startswith(CHECKED) and file.endswith(".cpp"):
            ways.setdefault(file, way)
    assert len(ways) > 90
    database = where / "tidy" / "compile_commands.json"
    database.parent.mkdir(exist_ok=True)
    database.write_text(json.dumps(list(ways.values())))
    return database.parent


@pytest.mark.long
def test_clang_tidy_finds_nothing():
    found = run("run-clang-tidy", "-p", str(checked_once(configure("clang", CLANG))), "-quiet")
    said = re.findall(r"^.*(?:warning|error): .*$", found.stdout, re.M)
    assert found.returncode == 0 and not said, "\n".join(said) or found.stdout


@pytest.mark.parametrize("checker", ["cppcheck", "clang-tidy"])
def test_a_planted_fault_is_found(tmp_path, checker):
    faulty = tmp_path / "faulty.cpp"
    faulty.write_text(FAULTY)
    if checker == "cppcheck":
        found = cppcheck(str(faulty))
    else:
        found = run("clang-tidy", "--quiet", f"--config-file={ROOT / '.clang-tidy'}",
                    str(faulty), "--", "-std=gnu++20")
    assert found.returncode != 0
    assert re.search(r"[Dd]ivision by zero|out of bounds", found.stdout), found.stdout


@pytest.mark.parametrize("width", ["-m32", "-m64"])
def test_layouts_are_as_the_hypervisor_takes_them(width):
    done = run("g++", width, "-std=gnu++20", "-ffreestanding", "-D__XEN_TOOLS__=1",
               "-fsyntax-only", str(HERE / "layouts.cpp"))
    assert done.returncode == 0, done.stdout


def test_the_hosted_tests_pass_on_another_cpu():
    where = configure("aarch64", OTHER_CPU)
    build.run(["ninja", "-C", str(where), "--quiet", "unit"], show=False)
    done = run(*RUN_ON_OTHER_CPU, str(where / "unit"), "--gtest_brief=1")
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) tests? from", done.stdout)
    assert passed and int(passed[1]) > 400, done.stdout[-400:]
