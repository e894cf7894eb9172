# Packs the offline kit: everything is fetched into one folder first, and then becomes one file.
"""Fetch and pack what a class needs without a network."""

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from pyhv import build, debian, doctor, kernels
from pyhv.errors import Failure, WrongArgument
from pyhv.paths import BUILD, ROOT

NAME = "subfloor-kit"
HERE = Path(__file__).parent
BOOK = BUILD / "book"
# Beside what pyhv/bootstrap has: for the bundle, and to compile pyhv.
BESIDE = ("git", "python3-dev")
LOCK = ROOT / "tests" / "requirements.lock"
PINNED = re.compile(r"^\S+==\S+", re.M)

Told = Callable[[str], object]
"""Hears each step as it begins."""


def wanted() -> list[str]:
    """Return the Debian packages that a class needs: what only our own tests want is not packed.

    >>> {"g++", "bochs-term", "python3-dev"} <= set(wanted()), "chromium" in wanted()
    (True, False)
    """
    return [*doctor.packages(), *BESIDE]


def required() -> list[str]:
    """Return what pyhv requires of Python's packages, to be built and to be used, all extras too.

    >>> [name for name in required() if name.startswith("jupyterlab")]
    ['jupyterlab>=4']
    """
    told = tomllib.loads((ROOT / "pyhv" / "pyproject.toml").read_text())
    extras = told["project"]["optional-dependencies"].values()
    return [*told["build-system"]["requires"], *told["project"]["dependencies"], *sum(extras, [])]


def _do(words: list[str], failed: str) -> str:
    """Run a program; return its output. Raises Failure, with the end of what it said."""
    try:
        done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        raise Failure(f"{failed}: there is no {words[0]} here") from None
    if done.returncode != 0:
        raise Failure(failed, "\n".join(done.stdout.splitlines()[-5:]))
    return done.stdout


def fetch_packages(names: list[str], into: Path) -> None:
    """Fetch Debian packages with all that they need, as if nothing were installed."""
    lists = debian.OWN_LISTS
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        status = Path(folder, "status")
        status.touch()
        apt = ["apt-get", "-q", "-y", "-o", f"Dir::State::Lists={lists}",
               "-o", f"Dir::State::Status={status}", "-o", f"Dir::Cache={folder}",
               "-o", "Debug::NoLocking=1", "-o", "Acquire::Retries=3",
               "-o", "APT::Sandbox::User=root"]
        _do([*apt, "update"], "cannot fetch Debian's lists of packages: is there a network?")
        _do([*apt, "install", "--download-only", "--no-install-recommends", *names],
            "cannot fetch Debian's packages: is there a network, and is this Debian 12?")
        for deb in Path(folder, "archives").glob("*.deb"):
            shutil.move(deb, into / deb.name)
    (into / "wanted").write_text("\n".join(names) + "\n")


def write_index(packages: Path) -> None:
    """Write the file `Packages`, which makes of a folder a place that apt installs from."""
    entries = []
    for deb in sorted(packages.glob("*.deb")):
        control = _do(["dpkg-deb", "-f", str(deb)], f"{deb.name} is not a Debian package")
        entries.append(f"{control.rstrip()}\nFilename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
                       f"SHA256: {debian.sha256_of(deb)}\n")
    (packages / "Packages").write_text("\n".join(entries))


def fetch_wheels(into: Path) -> None:
    """Fetch what pyhv requires, in the versions that the tests' lock pins, and check the hashes."""
    lock = LOCK.read_text()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as versions:
        # Without the hashes: with one, pip asks for one of each requirement, and those are ranges
        versions.write("\n".join(PINNED.findall(lock)))
        versions.flush()
        _do([sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "-q",
             "--only-binary=:all:", "-c", versions.name, "-d", str(into), *required()],
            "pip cannot fetch Python's packages: is there a network?")
    for wheel in sorted(into.iterdir()):
        if f"sha256:{debian.sha256_of(wheel)}" not in lock:
            raise Failure(f"{wheel.name} is not what {LOCK.relative_to(ROOT)} pins")


def copy_kernels(into: Path) -> None:
    """Copy the packages that guests' kernel and busybox are taken out of."""
    packages = ("linux-image-cloud-amd64", kernels.fetch_kernel().package,
                kernels.fetch_busybox().package)
    for name in packages:
        shutil.copy2(debian.fetch(name).deb, into)


def copy_image(into: Path) -> None:
    """Build the image and its boot module, the one that the tour boots, and copy them."""
    where = build.with_progress(build.image_targets())
    shutil.copy2(where / "hv.elf", into)
    build.write_module(into / "module", where, build.first_commands(True), with_linux=True)


def copy_book(into: Path) -> None:
    """Copy the book, as HTML, and in print where that has been made. Builds it the first time."""
    if not (BOOK / "html" / "index.html").exists():
        build.with_progress(["book"])
    shutil.copytree(BOOK / "html", into / "html")
    for printed in BOOK.glob("*.pdf"):
        shutil.copy2(printed, into)


def write_source(kit: Path) -> None:
    """Write the commit that stands in the tree, with its history, and the kit's own two files."""
    _do(["git", "bundle", "create", "-q", str(kit / "subfloor.bundle"), "HEAD", "--branches"],
        f"{ROOT} is not a clone of Subfloor that git can bundle")
    for name in ("install", "README"):
        shutil.copy2(HERE / name, kit)


def fill(kit: Path, tell: Told) -> None:
    """Fill an empty folder with all that the kit holds."""
    for name in ("packages", "wheels", "downloads", "image", "book"):
        (kit / name).mkdir(parents=True)
    tell("the image")
    copy_image(kit / "image")
    tell("the book")
    copy_book(kit / "book")
    tell("the source")
    write_source(kit)
    tell("Debian's packages")
    fetch_packages(wanted(), kit / "packages")
    write_index(kit / "packages")
    tell("Python's packages")
    fetch_wheels(kit / "wheels")
    tell("kernels")
    copy_kernels(kit / "downloads")


def make(file: Path, tell: Told, filling: Callable[[Path, Told], object] = fill) -> int:
    """Make the kit, a tar archive, and return its size in bytes.

    What it holds is packed as it comes, so it is not compressed again, and a bare Debian can unpack
    it. Raises Failure, and leaves nothing, where something cannot be had.
    """
    if file.exists():
        raise WrongArgument(f"{file} is there already: move it away, or name another file")
    if not file.parent.is_dir():
        raise WrongArgument(f"there is no folder {file.parent} for {file.name}")
    partial = file.with_name(f".{file.name}.partial")
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".hv-kit-") as folder:
            filling(Path(folder, NAME), tell)
            tell(f"packing {file}")
            _do(["tar", "-cf", str(partial.absolute()), "--owner=0", "--group=0",
                 "-C", folder, NAME], f"cannot write {file}: is the disk full?")
            partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size
