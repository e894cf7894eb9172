# Where machines in the background are: a folder each, with a link, a log and a process's number.
"""Find the machines that `hv up` has left running."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyhv.errors import Failure
from pyhv.linked.machine import Linked
from pyhv.paths import BUILD, ROOT

DEFAULT = "subfloor"
ADDRESSES = ("unix:", "tcp:", "/")


class NotUp(Failure):
    """No machine of that name is up, or which one is meant cannot be told."""


def home() -> Path:
    """Return the folder of all machines: in the tree, or in the person's cache without one."""
    if (ROOT / "chapters" / "order").exists():
        return BUILD / "run"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "subfloor" / "run"


@dataclass(frozen=True)
class Place:
    """The folder of one machine."""

    folder: Path

    @property
    def name(self) -> str:
        """What the machine is called."""
        return self.folder.name

    @property
    def link(self) -> Path:
        """The socket where its keeper answers."""
        return self.folder / "link"

    @property
    def log(self) -> Path:
        """What it said on COM1."""
        return self.folder / "com1.log"

    @property
    def notes(self) -> Path:
        """What is known of it, as JSON: see keeper.py."""
        return self.folder / "machine.json"

    @property
    def ended(self) -> Path:
        """Why it ended, in one line, once it has."""
        return self.folder / "ended"

    def told(self) -> dict[str, Any]:
        """Return what its keeper noted of it, or nothing."""
        try:
            return json.loads(self.notes.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def is_up(self) -> bool:
        """Return whether its keeper lives: a lock that the system drops with its process."""
        import fcntl

        try:
            with (self.folder / "lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False


def place(name: str) -> Place:
    """Return the folder of a machine, whether it is up or not."""
    return Place(home() / name)


def up() -> list[Place]:
    """Return the machines that are up, by name."""
    if not home().is_dir():
        return []
    return [here for folder in sorted(home().iterdir()) if (here := Place(folder)).is_up()]


def choose(name: str | None) -> Place:
    """Return the machine of that name, or the only one that is up. Raises NotUp."""
    there = up()
    names = " ".join(here.name for here in there)
    if name is not None:
        for here in there:
            if here.name == name:
                return here
        raise NotUp(f"no machine {name!r} is up; there are: {names or 'none. hv up boots one'}")
    if not there:
        raise NotUp("no machine is up: hv up boots one")
    if len(there) > 1:
        raise NotUp(f"several machines are up: choose one by --machine: {names}")
    return there[0]


def open_machine(which: str | None) -> Linked:
    """Return the machine of that name or at that address, over its link. Raises Failure."""
    import pyhv

    if which is not None and which.startswith(ADDRESSES):
        return pyhv.connect(which)
    return pyhv.connect(f"unix:{choose(which).link}")
