# The boot module and the initramfs: readable by cpio, and the same bytes each time.
"""Tests of the archives."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from pyhv import cpio, initramfs

ENTRIES = [
    cpio.directory("etc"),
    cpio.Entry("etc/empty"),
    cpio.Entry("etc/odd", b"12345"),
    cpio.program("run", b"#!/bin/sh\n"),
    cpio.link("also", "run"),
]


def listed(archive: bytes) -> list[str]:
    done = subprocess.run(
        ["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True
    )
    return done.stdout.decode().split()


def test_cpio_lists_what_was_packed():
    assert listed(cpio.pack(ENTRIES)) == [entry.name for entry in ENTRIES]


def test_our_list_is_that_of_cpio():
    archive = cpio.pack(ENTRIES)
    assert cpio.names(archive) == listed(archive)


def test_cpio_unpacks_contents_and_modes(tmp_path: Path):
    subprocess.run(
        ["cpio", "-i", "--quiet"], input=cpio.pack(ENTRIES), cwd=tmp_path, check=True
    )
    assert (tmp_path / "etc/odd").read_bytes() == b"12345"
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o755
    assert os.readlink(tmp_path / "also") == "run"


@pytest.mark.parametrize("damage", [b"", b"070701", b"x" * 200, cpio.pack(ENTRIES)[:200]])
def test_a_damaged_archive_is_refused(damage: bytes):
    with pytest.raises(ValueError, match="no newc header"):
        cpio.names(damage)


def test_the_initramfs_depends_on_nothing_but_its_contents(tmp_path: Path, monkeypatch):
    first, second = tmp_path / "a" / "busybox", tmp_path / "b" / "other"
    for number, file in enumerate((first, second)):
        file.parent.mkdir()
        file.write_bytes(b"\x7fELF")
        os.utime(file, (number, number))
    before = initramfs.build(first)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    os.umask(os.umask(0o077))
    assert initramfs.build(second) == before


def test_the_initramfs_holds_what_the_kernel_looks_for(tmp_path: Path):
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"\x7fELF")
    names = listed(initramfs.build(busybox))
    assert {"init", "bin/sh", "bin/busybox", "dev/console", "proc", "sys"} <= set(names)
