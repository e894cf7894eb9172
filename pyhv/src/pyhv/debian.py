# Debian's packages as a source of files: downloaded and unpacked, never installed.
"""Fetch Debian packages into build/downloads and unpack them beside it."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pyhv.errors import Failure
from pyhv.paths import BUILD, DOWNLOADS

# Lists of our own, for a machine whose lists are absent or old, and a user who may not renew them.
OWN_LISTS = BUILD / "apt" / "lists"


@dataclass(frozen=True)
class Package:
    """A downloaded package: its name and version, its .deb, and that file's SHA-256."""

    name: str
    version: str
    deb: Path
    sha256: str


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _apt_get(*arguments: str) -> bool:
    done = subprocess.run(
        ["apt-get", "-qq", "-o", "Acquire::Retries=3", *arguments],
        cwd=DOWNLOADS, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )
    return done.returncode == 0


def _download(name: str) -> None:
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    if not shutil.which("apt-get"):
        raise Failure(
            f"no apt-get here to download {name}: put its .deb from Debian 12 into {DOWNLOADS}"
        )
    if _apt_get("download", name):
        return
    (OWN_LISTS / "partial").mkdir(parents=True, exist_ok=True)
    lists = f"Dir::State::Lists={OWN_LISTS}"
    if not (_apt_get("-o", lists, "update") and _apt_get("-o", lists, "download", name)):
        raise Failure(f"cannot download Debian's {name}: try `apt-get download {name}` by hand")


def _newest(name: str) -> Path | None:
    found = sorted(DOWNLOADS.glob(f"{name}_*.deb"), key=os.path.getmtime)
    return found[-1] if found else None


def field(deb: Path, name: str) -> str:
    """Return one field of a package's control file."""
    done = subprocess.run(
        ["dpkg-deb", "-f", str(deb), name], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Failure(f"{deb} is not a Debian package: remove it and run the command again")
    return done.stdout.strip()


def fetch(name: str) -> Package:
    """Return the package, downloading it the first time."""
    if not _newest(name):
        _download(name)
    deb = _newest(name)
    if not deb:
        raise Failure(f"apt-get fetched no {name}_*.deb into {DOWNLOADS}")
    return Package(name, field(deb, "Version"), deb, sha256_of(deb))


def unpack(package: Package) -> Path:
    """Unpack a package, once, and return the directory that holds its files."""
    into = BUILD / "unpacked" / package.deb.stem
    if not into.exists():
        partial = into.with_name(into.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        done = subprocess.run(["dpkg-deb", "-x", package.deb, partial], check=False)
        if done.returncode != 0:
            raise Failure(f"{package.deb} is damaged: remove it and run the command again")
        partial.rename(into)
    return into
