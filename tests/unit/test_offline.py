# Does the offline kit hold what it should, leave nothing half-written, and say what was not had?
"""Pack kits out of small fixtures; a long test tries a real one on a bare Debian, unconnected."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyhv import command, offline
from pyhv.errors import Failure, WrongArgument
from pyhv.offline import kit


def silent(step: str) -> None:
    """Hear a step."""


def small(folder: Path, tell: kit.Told) -> None:
    folder.mkdir()
    (folder / "README").write_text("a small one\n")


def broken(folder: Path, tell: kit.Told) -> None:
    small(folder, tell)
    raise Failure("no network")


def test_it_is_one_plain_archive(tmp_path):
    file = tmp_path / "kit.tar"
    assert offline.make(file, silent, small) == file.stat().st_size
    with tarfile.open(file, "r:") as archive:
        assert archive.extractfile("subfloor-kit/README").read() == b"a small one\n"
    assert list(tmp_path.iterdir()) == [file]


def test_what_fails_leaves_nothing(tmp_path):
    with pytest.raises(Failure, match="no network"):
        offline.make(tmp_path / "kit.tar", silent, broken)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    file = tmp_path / "kit.tar"
    file.write_text("mine")
    told = CliRunner().invoke(command.app, ["kit", str(file)])
    assert isinstance(told.exception, WrongArgument)
    assert file.read_text() == "mine"
    with pytest.raises(WrongArgument, match="no folder"):
        offline.make(tmp_path / "nowhere" / "kit.tar", silent, small)


def test_it_packs_what_the_scripts_install_and_no_other_word():
    names = kit.wanted()
    assert {"g++", "grub-common", "bochs-term", "clang", "python3-dev", "git"} <= set(names)
    assert "export" not in names and len(names) == len(set(names))


def test_apt_can_read_the_index(tmp_path):
    control = tmp_path / "made" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: nobody <a@b>\n"
                       "Description: nothing\n")
    packages = tmp_path / "packages"
    packages.mkdir()
    subprocess.run(["dpkg-deb", "-b", control.parents[1], packages / "tiny_1_all.deb"],
                   check=True, capture_output=True)
    kit.write_index(packages)
    entry = dict(line.split(": ", 1) for line in (packages / "Packages").read_text().splitlines())
    assert entry["Package"] == "tiny" and entry["Filename"] == "./tiny_1_all.deb"
    assert int(entry["Size"]) == (packages / "tiny_1_all.deb").stat().st_size
    (packages / "bad_1_all.deb").write_text("no archive")
    with pytest.raises(Failure, match="bad_1_all.deb is not a Debian package"):
        kit.write_index(packages)


def test_without_a_network_it_says_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho E: Temporary failure resolving\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(kit.debian, "OWN_LISTS", tmp_path / "lists")
    (tmp_path / "into").mkdir()
    with pytest.raises(Failure, match="is there a network") as failed:
        kit.fetch_packages(["tiny"], tmp_path / "into")
    assert "Temporary failure resolving" in failed.value.details


def test_the_installer_refuses_what_it_cannot_do(tmp_path):
    (tmp_path / "there").mkdir()
    done = subprocess.run(["bash", kit.HERE / "install", tmp_path / "there"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("install: failed: ") and done.stderr.count("\n") == 1


ROOT_AND_MOUNTS = """
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    sh -c 'tar -xf /kit.tar -C /root &&
           cd /root && subfloor-kit/install && cd subfloor &&
           build/venv/bin/pip install --no-index --find-links build/wheels "./pyhv[labs]" &&
           build/venv/bin/hv lab'
"""


@pytest.mark.long
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="needs debootstrap, and root")
def test_a_bare_debian_without_a_network_needs_nothing_else(tmp_path):
    house = tmp_path / "debian"
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", house], check=True)
    offline.make(house / "kit.tar", silent)
    done = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
         "sh", "-c", ROOT_AND_MOUNTS, "sh", house], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "\ntour: ok\n" in done.stdout and "memory-map" in done.stdout
