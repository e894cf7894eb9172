# Does the offline kit hold what it should, leave nothing half-written, and say what was not had?
"""Pack kits out of small fixtures; a long test tries a real one on a bare Debian, unconnected."""

import hashlib
import re
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


def test_it_packs_what_a_class_installs_and_not_what_only_these_tests_want():
    names = kit.wanted()
    assert {"g++", "grub-common", "bochs-term", "python3-dev", "git"} <= set(names)
    assert not {"export", "chromium", "clang"} & set(names) and len(names) == len(set(names))
    words = {re.match(r"[\w-]+", one)[0] for one in kit.required()}
    assert {"pexpect", "libclang", "jupyterlab", "drgn", "pybind11"} <= words
    assert not {"playwright", "sphinx", "pytest"} & words


@pytest.fixture
def pip(monkeypatch):
    """Let a program stand in for pip: it is told the versions, and fetches one wheel."""
    told = []

    def download(words: list[str], failed: str) -> str:
        told.append(Path(words[words.index("-c") + 1]).read_text().splitlines())
        Path(words[words.index("-d") + 1], "tiny-1-py3-none-any.whl").write_text("a wheel")
        return ""

    monkeypatch.setattr(kit, "_do", download)
    return told


def test_wheels_are_those_that_the_lock_pins(tmp_path, monkeypatch, pip):
    lock, into = tmp_path / "lock", tmp_path / "into"
    into.mkdir()
    digest = hashlib.sha256(b"a wheel").hexdigest()
    lock.write_text(f"# Pinned\ntiny==1 \\\n    --hash=sha256:{digest}\n    # via a\n")
    monkeypatch.setattr(kit, "LOCK", lock)
    monkeypatch.setattr(kit, "ROOT", tmp_path)
    monkeypatch.setattr(kit, "required", list)
    kit.fetch_wheels(into)
    assert pip == [["tiny==1"]]
    lock.write_text(f"tiny==1 \\\n    --hash=sha256:{digest[::-1]}\n")
    with pytest.raises(Failure, match="tiny-1-py3-none-any.whl is not what lock pins"):
        kit.fetch_wheels(into)


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


INSIDE = """
ip link set lo up && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
exec chroot "$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 bash /class
"""


@pytest.mark.long
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="needs debootstrap, and root")
def test_a_bare_debian_without_a_network_needs_nothing_else(tmp_path):
    house = tmp_path / "debian"
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", house], check=True)
    offline.make(house / "kit.tar", silent)
    shutil.copy2(Path(__file__).with_name("class_unconnected.sh"), house / "class")
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
             "sh", "-c", INSIDE, "sh", house]
    said = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    shutil.rmtree(house)  # 3 GB, which pytest would keep
    print(said.stdout)  # where each step's seconds stand
    assert said.returncode == 0
    assert said.stdout.count("\ntour: ok\n") == 2, "the one of install, the other in Bochs"
    assert said.stdout.endswith("class: done\n")
