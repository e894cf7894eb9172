# Debian's Linux kernels and its busybox, with a record of exactly which.
"""Fetch the kernels that guests run; build/kernels.json records versions and hashes."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pyhv import debian
from pyhv.errors import Failure
from pyhv.paths import BUILD

RECORD = BUILD / "kernels.json"


@dataclass(frozen=True)
class Fetched:
    """A file taken out of a Debian package. `sha256` is the file's, `deb_sha256` its package's."""

    name: str
    package: str
    version: str
    deb_sha256: str
    path: str
    sha256: str

    def line(self) -> str:
        """Say in one line what this is."""
        return f"{self.name}: {self.package} {self.version}, sha256 {self.sha256}"


def _recorded() -> dict[str, dict[str, str]]:
    try:
        return json.loads(RECORD.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _known(name: str) -> Fetched | None:
    """Return what an earlier run fetched, if it is still there."""
    entry = _recorded().get(name)
    if not entry or not (BUILD / entry["path"]).exists():
        return None
    return Fetched(**entry)


def _record(name: str, package: debian.Package, path: Path) -> Fetched:
    fetched = Fetched(
        name, package.name, package.version, package.sha256,
        str(path.relative_to(BUILD)), debian.sha256_of(path),
    )
    everything = _recorded() | {name: asdict(fetched)}
    RECORD.write_text(json.dumps(everything, indent=2, sort_keys=True) + "\n")
    return fetched


def fetch_kernel(flavour: str = "cloud-amd64") -> Fetched:
    """Return Debian's current kernel of a flavour: `cloud-amd64`, or `amd64` for any machine."""
    name = f"linux-{flavour}"
    if known := _known(name):
        return known
    # The flavour's package holds no kernel; it depends on the one that does.
    depends = debian.field(debian.fetch(f"linux-image-{flavour}").deb, "Depends")
    match = re.search(r"linux-image-[\w.+-]+", depends)
    if not match:
        raise Failure(f"linux-image-{flavour} depends on no kernel: found {depends!r}")
    package = debian.fetch(match[0])
    images = sorted((debian.unpack(package) / "boot").glob("vmlinuz-*"))
    if not images:
        raise Failure(f"{package.deb} holds no boot/vmlinuz-*")
    return _record(name, package, images[0])


def fetch_busybox() -> Fetched:
    """Return Debian's statically linked busybox."""
    if known := _known("busybox"):
        return known
    package = debian.fetch("busybox-static")
    return _record("busybox", package, debian.unpack(package) / "bin" / "busybox")


def path_of(fetched: Fetched) -> Path:
    """Return where the file lies."""
    return BUILD / fetched.path
