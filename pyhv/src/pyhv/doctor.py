# What is here of what each tier needs, and how to get the rest.
"""Examine this machine: the tiers that it offers, the versions found, and the cure for the rest.

>>> from pyhv import doctor
>>> emulated = doctor.examine()[1]
>>> emulated.name, emulated.title
('T1', 'emulated: the bare-metal image, SVM in QEMU and VMX in Bochs')
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path

from pyhv import acceleration, bochs
from pyhv.errors import Failure, NotBuilt
from pyhv.paths import BUILD, ROOT
from pyhv.t0 import native

# Debian's packages in pyhv/bootstrap: a name, and a command or file that shows its presence.
PACKAGE = re.compile(r"^([a-z0-9+-]+) +(\S+)$", re.M)
# What is compiled for every tier; the other packages are for the emulators.
TO_COMPILE = ("g++", "cmake", "ninja-build", "libxen-dev", "libboost-dev", "python3-venv")
VERSION = re.compile(r"\b\d+\.\d+[\w.+-]*")
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that a tier needs: what was found of it, or else how to get it."""

    name: str
    found: str
    cure: str = ""
    # False: the tier does without it, and something there wants it
    needed: bool = True

    @property
    def missing(self) -> bool:
        """True where it is not here."""
        return not self.found


@dataclass(frozen=True)
class Tier:
    """One of the three tiers, and the findings that decide whether it is available."""

    name: str
    title: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def available(self) -> bool:
        """True where nothing that it needs is missing."""
        return not any(finding.missing and finding.needed for finding in self.findings)

    def as_json(self) -> dict:
        """Return plain values, for `--json`."""
        return {"name": self.name, "title": self.title, "available": self.available,
                "findings": [asdict(finding) for finding in self.findings]}


def packages() -> dict[str, str]:
    """Return the Debian packages that the tour installs, each with what shows its presence.

    Raises Failure where the tree that names them is gone.
    """
    place = ROOT / "pyhv" / "bootstrap"
    if not place.exists():
        raise Failure(f"{place} is missing: install pyhv again, by pip install ./pyhv in the tree")
    return dict(PACKAGE.findall(place.read_text().partition('packages_to_test="')[0]))


def version_of(program: str) -> str:
    """Return the version that a program names, or only that it is there."""
    word = "version" if program == "xorriso" else "--version"
    try:
        told = subprocess.run([program, word], capture_output=True, text=True, timeout=20,
                              stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "present"
    match = VERSION.search(told.stdout + told.stderr)
    return match[0] if match else "present"


def _package(name: str, witness: str) -> Finding:
    if witness.startswith("/"):
        found = "present" if Path(witness).exists() else ""
    else:
        found = version_of(witness) if shutil.which(witness) else ""
    return Finding(name, found, f"apt-get install {name}")


def _python() -> Finding:
    here = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info >= OLDEST_PYTHON
    return Finding("Python 3.11 or newer", here if fits else "", f"install it: this is {here}")


def _extension() -> Finding:
    try:
        native.load()
    except NotBuilt:
        return Finding("the hosted machine (pyhv._hosted)", "", "pip install ./pyhv")
    return Finding("the hosted machine (pyhv._hosted)", "built")


def _libclang() -> Finding:
    """Labs in C++ are blanked by it, and the book quotes by it: a package of Python's."""
    try:
        found = metadata.version("libclang")
    except metadata.PackageNotFoundError:
        found = ""
    cure = "pip install './pyhv[labs]'"
    return Finding("libclang, for the labs in C++", found, cure, needed=False)


def _model() -> Finding:
    """Bochs is built with a choice of CPU models: ours must be among them."""
    try:
        listed = subprocess.run(["bochs", "--help", "cpu"], capture_output=True, text=True,
                                timeout=20, stdin=subprocess.DEVNULL, check=False)
        found = bochs.MODEL if bochs.MODEL in listed.stdout + listed.stderr else ""
    except (OSError, subprocess.TimeoutExpired):
        found = ""
    return Finding("a CPU with VMX in Bochs", found,
                   f"install a Bochs with the model {bochs.MODEL}, as Debian's is")


def _image() -> Finding:
    image = BUILD / "hv.elf"
    return Finding("the image", str(image.relative_to(ROOT)) if image.exists() else "",
                   "./chapters/tour builds it")


def _nesting() -> Finding:
    engine, reason = acceleration.nested_engine()
    return Finding("KVM that nests", engine or "",
                   f"{reason or 'no KVM'}; a spare machine with VT-x or AMD-V will do")


def examine() -> list[Tier]:
    """Look at everything that the tiers need; nothing is changed."""
    wanted = packages()
    compilers = [_package(name, wanted[name]) for name in TO_COMPILE]
    others = [_package(name, witness) for name, witness in wanted.items()
              if name not in TO_COMPILE]
    return [
        Tier("T0", "hosted: the chapters' code as an ordinary program",
             [_python(), *compilers, _extension(), _libclang()]),
        Tier("T1", "emulated: the bare-metal image, SVM in QEMU and VMX in Bochs",
             [_python(), *compilers, *others, _model(), _image()]),
        Tier("T2", "real: nested in KVM, or on a spare machine", [_nesting()]),
    ]


def cures(tiers: list[Tier]) -> Iterator[str]:
    """Yield what to do, a command or a sentence each; missing packages make one command."""
    seen: dict[str, None] = {}
    for tier in tiers:
        for finding in tier.findings:
            if finding.missing:
                seen[finding.cure] = None
    prefix = "apt-get install "
    wanted = [cure.removeprefix(prefix) for cure in seen if cure.startswith(prefix)]
    if wanted:
        yield f"{prefix}--no-install-recommends {' '.join(wanted)}"
    yield from (cure for cure in seen if not cure.startswith(prefix))


def tell(tiers: list[Tier], show: Callable[[object], None]) -> None:
    """Show a table for each tier, and what to do beneath them all."""
    from rich.markup import escape
    from rich.table import Table

    for tier in tiers:
        state = "available" if tier.available else "not available here"
        show(f"[bold]{tier.name} {tier.title}[/bold]: {state}")
        table = Table(show_header=False)
        for finding in tier.findings:
            table.add_row(finding.name, finding.found or "[red]missing[/red]")
        show(table)
    for cure in cures(tiers):
        show(f"to do: {escape(cure)}")
