# Who goes on next: guests take turns as the hypervisor's scheduler and the seed's dice have it.
"""Running the guests of a hosted machine."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

from pyhv.errors import Failure
from pyhv.t0.breakpoints import Breakpoint, tell
from pyhv.t0.guest import Program

SHORTEST, LONGEST = 1_000, 4_000_000
"""How long a guest's step may take, in ns: against a slice of 10 ms."""


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Let the first Ctrl-C only leave a note, so that nobody is cut short; the second cuts."""
    pressed: list[bool] = []

    def note(number: int, frame: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(True)

    ours = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, note) if ours else None
    try:
        yield pressed
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)


class Runner:
    """The turns of one machine: `programs` by domain."""

    def __init__(self, native: Any, cpus: int, seed: int, programs: dict[int, Program]) -> None:
        self._native = native
        self._cpus = cpus
        self._dice = Random(seed)
        self._programs = programs
        self.breakpoints: list[Breakpoint] = []
        self._stopped = False

    def go(self, steps: int | None) -> bool:
        """Let the guests run for so many steps; False: until none could go on.

        It also ends where a breakpoint says stop.
        """
        self._stopped = False
        with interruptible() as pressed:
            try:
                while not self._stopped and (steps is None or steps > 0):
                    if pressed:
                        raise KeyboardInterrupt
                    if not self._go_on():
                        return False
                    steps = None if steps is None else steps - 1
                return True
            finally:
                if not self._native.death:
                    self._native.rest()

    def _go_on(self) -> bool:
        """Take one step somewhere; False: nobody can go on, and nothing is to come."""
        self._native.advance(self._dice.randrange(SHORTEST, LONGEST))
        for cpu in self._dice.sample(range(self._cpus), self._cpus):
            who = self._native.turn(cpu)
            if who is not None:
                self._step(cpu, who)
                return True
        # All sleep: until a timer rings, if somebody is left to hear it
        wait = self._native.until_next_timer()
        if wait is None or all(program.ended for program in self._programs.values()):
            return False
        self._native.advance(wait)
        return True

    def _step(self, cpu: int, who: tuple[int, int]) -> None:
        program = self._programs.get(who[0]) if who[1] == 0 else None
        if program is not None and not program.ended and program.request is None:
            self._compute(program)
            # What it computed may have paused it, or more
            if self._native.turn(cpu) != who:
                return
        if program is None or program.ended:
            self._native.halt(cpu)
        elif program.unfinished_call:
            program.take(self._native.go_on(cpu))
        else:
            self._stopped = tell(self.breakpoints, program)
            if self._stopped or self._native.turn(cpu) != who:
                return
            assert program.request is not None
            request = program.request
            program.take(self._native.hypercall(cpu, request.number, request.registers))

    def _compute(self, program: Program) -> None:
        try:
            program.advance()
        except BaseException as mistake:
            # The domain is kept as it stands, for whoever asks why
            me = program.me
            with suppress(Failure):  # where it is there still
                self._native.rest()
                self._native.crash(me.domain.id)
            mistake.add_note(f"it stopped {me!r}")
            mistake.guest = me  # type: ignore[attr-defined]
            raise
