# A machine that hv up has left running, as Python has it: dom0 by its keeper, and its debugger.
"""What `pyhv.connect` returns for the link of a machine in the background."""

import os
from pathlib import Path
from typing import Any, cast

from pyhv.background.places import Place
from pyhv.booted.stopping import Stoppable
from pyhv.emulator import Emulator
from pyhv.errors import Closed, NoDebugger
from pyhv.linked.machine import Caller
from pyhv.machine import Machine


class _Process:
    """A process of somebody else's."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def poll(self) -> int | None:
        """Return None while it lives."""
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return 1
        return None


class _KeptEmulator:
    """An emulator that another process owns: as much of an Emulator as freeze() asks for."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.frozen = False
        self.process = _Process(told["emulator_pid"])
        self.machine = Machine(
            engine=told["engine"], image=Path(told["image"]), cpus=told["cpus"],
            memory_mib=told["memory"], debugger=Path(told["debugger"]), run_by=told["emulator"])


class Kept(Stoppable):
    """A machine in the background, until it is closed here; it goes on without us."""

    def __init__(self, link: Caller, where: str, told: dict[str, Any]) -> None:
        super().__init__(link, where)
        self._told = told
        self._emulator = _KeptEmulator(told)

    @property
    def emulator(self) -> Emulator:
        """The emulator that its keeper runs. Raises Closed, and NoDebugger in Bochs."""
        if self._link is None:
            raise Closed(f"this machine is closed: open it again with {self._opened_by}")
        if self._told["emulator"] == "bochs":
            raise NoDebugger("Bochs's debugger answers its keeper's process alone: pyhv.boot("
                             "\"vmx\") owns a Bochs that can be frozen")
        return cast(Emulator, self._emulator)

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still, because of us."""
        return self._emulator.frozen


def told_at(where: str) -> dict[str, Any] | None:
    """Return what a keeper noted, where that is the link of a machine in the background."""
    kind, _, path = where.partition(":")
    place = Place(Path(path).resolve().parent)
    if kind != "unix" or Path(path).resolve() != place.link or not place.is_up():
        return None
    return place.told() or None
