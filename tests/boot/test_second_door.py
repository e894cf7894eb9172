# An exercise of the book: with its answer applied, the byte cannot be lost by the second door.
"""Builds the image anew with the answer's patch, and writes through the direct map."""

import importlib.util
import shutil
import subprocess

import pytest

from pyhv import sentences as say
from pyhv.debugger import Debugger, address_of
from pyhv.paths import ROOT

ANSWER = ROOT / "book" / "runs" / "second_door.patch"
NEEDED = ("hv", "chapters", "pyhv", "tests", "book", "CMakeLists.txt")
DOOR = 0xFFFF800000200000


@pytest.fixture
def patched(tmp_path):
    """Build the image of chapter boot from a copy of the tree with the answer in it."""
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path)
    subprocess.run(["git", "apply", str(ANSWER)], cwd=tmp_path, check=True)
    where = tmp_path / "build"
    words = ["cmake", "-S", str(tmp_path), "-B", str(where), "-G", "Ninja", "-DHV_THROUGH=boot"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(where), "--quiet", "hv.elf"], check=True)
    return where / "hv.elf"


@pytest.mark.boot
def test_with_the_answer_the_second_door_is_closed(boot, patched, tmp_path):
    spec = importlib.util.spec_from_file_location("byte", ROOT / "book" / "runs" / "byte.py")
    byte = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(byte)
    socket = tmp_path / "debugger"
    machine = boot(image=patched, memory_mib=256, debugger=socket, held=True)
    debugger = Debugger(socket)
    byte.run_to(debugger, address_of(patched, byte.END), lambda: machine.expect(say.OWN_TABLES))
    before = byte.byte(debugger)
    for register, value in {"rdi": DOOR, "rsi": 0, "rdx": 1}.items():
        debugger[register] = value
    debugger["rip"] = address_of(patched, "memset")
    debugger.go_on()
    machine.expect(say.PANIC.format(cpu=0) + "#PF page fault")
    machine.expect(f"cr2 {DOOR:#x}")
    machine.expect(say.HALTED)
    debugger.interrupt()
    assert byte.byte(debugger) == before
