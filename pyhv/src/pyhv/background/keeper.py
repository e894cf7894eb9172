# The process that keeps a machine in the background: it owns the emulator and answers its clients.
"""Usage: python -m pyhv.background.keeper FOLDER; what to boot comes as JSON on standard input.

The folder then holds `link` (where clients connect), `com1.log`, `machine.json` (once dom0
answers), and at the end `ended`, with the reason.
"""

import fcntl
import json
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from pyhv.background.places import Place
from pyhv.background.server import Server
from pyhv.booted.machine import Booted
from pyhv.booted.prepare import Wish
from pyhv.errors import Failure, LinkRestarted


class _Told(BaseException):
    """Somebody wants the machine down."""


def _end(number: int, _: object) -> NoReturn:
    raise _Told(signal.Signals(number).name)


def _note(here: Place, wish: Wish, hv: Booted) -> None:
    machine = hv.description
    notes: dict[str, Any] = {
        "name": here.name, "pid": os.getpid(), "emulator_pid": hv.emulator.process.pid,
        "since": time.time(), "engine": machine.engine, "emulator": machine.emulator,
        "image": str(machine.image), "debugger": str(machine.debugger), "cpus": machine.cpus,
        "memory": machine.memory_mib, "link": f"unix:{here.link}", "log": str(here.log),
        "command": hv.command_by_hand, "wish": asdict(wish),
    }
    partial = here.notes.with_suffix(".partial")
    partial.write_text(json.dumps(notes, indent=2))
    partial.rename(here.notes)


def _perform(hv: Booted, verb: str, arguments: dict[str, Any]) -> Any:
    """Do what a client asks. Raises LinkRestarted where dom0 has started anew meanwhile."""
    if verb == "reset":
        hv.reset()
        return None
    try:
        return hv.ask(verb, **arguments)
    except LinkRestarted:
        hv.reconnect()
        raise


def keep(here: Place, wish: Wish) -> str:
    """Boot the machine and answer for it until it is off; return why it ended. Raises Failure."""
    with here.log.open("w") as log, Booted(wish, lambda text: (log.write(text), log.flush())) as hv:
        with Server(here.link, lambda verb, **arguments: _perform(hv, verb, arguments),
                    lambda: asdict(hv.hello)):
            _note(here, wish, hv)
            hv.wait_for_end()
    return "the machine was turned off"


def main() -> int:
    """Keep one machine; return the exit status."""
    here = Place(Path(sys.argv[1]))
    wish = Wish(**json.load(sys.stdin))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with (here.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            why = {"reason": keep(here, wish)}
        except Failure as failure:
            why = {"reason": failure.reason, "details": failure.details}
        except _Told as told:
            why = {"reason": f"ended by {told}"}
        here.notes.unlink(missing_ok=True)
        here.link.unlink(missing_ok=True)
        here.ended.write_text(json.dumps(why))
    return 0


if __name__ == "__main__":
    sys.exit(main())
