# A machine of T1: an emulator of our own, and dom0 in it over the link.
"""The machine that `pyhv.boot` returns."""

import atexit
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyhv import sentences as say
from pyhv.api.waiting import waiting
from pyhv.booted.prepare import Wish, prepare
from pyhv.booted.stopping import Stoppable
from pyhv.booted.wire import Wire
from pyhv.emulator import Emulator
from pyhv.errors import (
    Closed,
    Failure,
    LinkLost,
    LinkRestarted,
    MachineGone,
    NotOnThisTier,
    TookTooLong,
)
from pyhv.link import Link
from pyhv.linked.machine import Caller
from pyhv.machine import Machine
from pyhv.paths import BUILD

A_LOOK = {"qemu": 2.0, "bochs": 15.0}
"""Seconds to listen for an answer, before looking whether the machine lives."""
BOOT = {"qemu": 60.0, "bochs": 240.0}
"""Seconds until dom0 answers, on the machine for which they were written."""
ANSWER = {"qemu": 30.0, "bochs": 120.0}
"""Seconds for one answer."""
DYING = 1.0
RESETS = ("-action", "reboot=reset")
"""Has QEMU start the machine anew, where it would end at a reset otherwise."""
RUN = BUILD / "run"
POWERED_OFF = re.compile(say.DOM0_POWERS_OFF)
GIVES_UP = re.compile("|".join(say.GIVES_UP[:2]))


class Booted(Stoppable):
    """A machine of tier T1, from power-on until it is closed: see `pyhv.boot`."""

    def __init__(self, wish: Wish, echo: Callable[[str], object] | None = None) -> None:
        """Boot it. `echo` is given all that COM1 says, as it comes."""
        RUN.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="boot-", dir=RUN))
        self._emulator: Emulator | None = None
        self._wire: Wire | None = None
        self._link = None
        atexit.register(self.close)
        try:
            self._start(prepare(wish, self._folder), echo)
            super().__init__(self._wait_for_dom0(), "an emulator")
        except BaseException:
            self.close()
            raise

    # Starting and ending

    def _start(self, machine: Machine, echo: Callable[[str], object] | None) -> None:
        self._wire = Wire(machine.emulator, self._folder)
        more = (*machine.more, *RESETS) if machine.emulator == "qemu" else machine.more
        self.description = replace(machine, link=self._wire.device, more=more,
                                   debugger=self._folder / "debugger")
        self._emulator = Emulator(self.description)
        self._emulator.echo_to(echo)
        self._drain = threading.Thread(target=self._emulator.listen, daemon=True)
        self._drain.start()

    def _wait_for_dom0(self) -> Caller:
        """Return a link that dom0 answers. Raises MachineGone, TookTooLong."""
        assert self._wire is not None
        timeout = BOOT[self.description.emulator]
        for _ in waiting(timeout):
            self._check("dom0 answered")
            try:
                Link.open(self._wire.where, timeout=A_LOOK[self.description.emulator]).close()
                return Link.open(self._wire.where, timeout=ANSWER[self.description.emulator])
            except LinkLost:
                continue
        raise self._failure(TookTooLong, f"waited {timeout:g} s for dom0 to answer")

    @property
    def emulator(self) -> Emulator:
        """The emulator that runs it. Raises Closed."""
        if self._emulator is None:
            raise Closed(f"this machine is closed: open another with {self._opened_by}")
        return self._emulator

    def close(self) -> None:
        """End the emulator, whatever runs in it, and remove its sockets."""
        atexit.unregister(self.close)
        super().close()
        if self._emulator is not None:
            self._emulator.end()
            self._drain.join()
            self.log_at_end = self._emulator.log
            self._emulator.stop()
            self._emulator = None
        if self._wire is not None:
            self._wire.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def wait_for_end(self) -> None:
        """Wait until the machine is off."""
        self._drain.join()

    @property
    def _opened_by(self) -> str:
        return "pyhv.boot()"

    def reset(self) -> None:
        """Start the machine anew, without asking anyone in it; return when dom0 answers again.

        Raises MachineGone where the emulator ends instead, and NotOnThisTier in Bochs.
        """
        if self.description.emulator == "bochs":
            raise NotOnThisTier("in Bochs nobody answers on the link after a reset: end this "
                                "machine and boot another; QEMU's can be reset")
        self.ask("reset")
        timeout = BOOT[self.description.emulator]
        for _ in waiting(timeout):
            try:
                self.ask("info")
            except LinkRestarted:
                return self.reconnect()
            except LinkLost:
                continue
        raise self._failure(TookTooLong, f"waited {timeout:g} s for dom0 after a reset")

    # Asking

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still, because of us."""
        return self._emulator is not None and self._emulator.frozen

    def _ask(self, verb: str, **arguments: Any) -> Any:
        """Ask dom0. Raises Refused, and MachineGone where none is left."""
        try:
            return super()._ask(verb, **arguments)
        except Failure as failure:
            if isinstance(failure, LinkLost):
                self._drain.join(DYING)  # its sockets close before it has ended
            self._check(f"it answered {verb}")
            raise

    def _check(self, before: str) -> None:
        """Raise MachineGone where the hypervisor gave up, or the emulator has ended."""
        if self._emulator is None:
            return
        ended = not self._drain.is_alive() or self._emulator.process.poll() is not None
        if ended:
            self._drain.join()
            self._emulator.process.wait()
        log = self._emulator.log
        if last := GIVES_UP.search(log):
            raise self._failure(MachineGone, last[0].strip())
        if ended:
            how = "it was turned off" if POWERED_OFF.search(log) else "the emulator ended"
            raise self._failure(MachineGone, f"the machine is gone: {how} before {before}")

    def _failure(self, kind: type[Failure], reason: str) -> Failure:
        return kind(reason, self.emulator.failure(reason).details)

    # Looking at it from outside

    @property
    def log(self) -> str:
        """All that the machine said on COM1: the hypervisor's words, and dom0's shell."""
        return self.log_at_end if self._emulator is None else self._emulator.log

    @property
    def command_by_hand(self) -> str:
        """A shell command that repeats this run, with COM1 on the terminal."""
        return self.emulator.command_by_hand

    def __repr__(self) -> str:
        if self._emulator is None:
            return "<booted machine: closed>"
        machine = self.description
        what = (f"{machine.emulator}, {machine.engine}, {machine.cpus} pCPUs, "
                f"{machine.memory_mib} MiB")
        try:
            return f"<booted machine: {what}, {len(self.domains)} domains>"
        except Failure as failure:
            return f"<booted machine: {what}; {failure.reason}>"
