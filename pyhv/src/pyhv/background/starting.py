# Boot a machine into the background, and end it.
"""What `hv up` and `hv down` do."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pyhv.api.waiting import waiting
from pyhv.background.places import NotUp, Place, place
from pyhv.booted.prepare import Wish, check_and_build
from pyhv.errors import Failure, TookTooLong, WrongArgument

BOOT, END = 300.0, 20.0
"""Seconds for a machine to come up, in Bochs too, and to go down."""


def _spawn(here: Place, wish: Wish) -> subprocess.Popen[bytes]:
    """Start the keeper, apart from this terminal."""
    package = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    with (here.folder / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "pyhv.background.keeper", str(here.folder)],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
    assert keeper.stdin is not None
    keeper.stdin.write(json.dumps(asdict(wish)).encode())
    keeper.stdin.close()
    return keeper


def start(name: str, wish: Wish) -> dict[str, Any]:
    """Boot a machine into the background; return its notes when dom0 answers. Raises Failure."""
    if not name.replace("-", "").replace("_", "").isalnum():
        raise WrongArgument(f"{name!r} cannot be a machine's name: letters, digits, - and _ can")
    here = place(name)
    if here.is_up():
        raise NotUp(f"a machine {name} is up already: choose another --name, or hv down {name}")
    check_and_build(wish)
    shutil.rmtree(here.folder, ignore_errors=True)
    here.folder.mkdir(parents=True)
    keeper = _spawn(here, wish)
    try:
        for _ in waiting(BOOT):
            if here.notes.exists():
                return here.told()
            if keeper.poll() is not None:
                raise _why_it_failed(here)
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise
    keeper.terminate()
    raise TookTooLong(f"waited {BOOT:g} s for {name}; its words are in {here.log}")


def _why_it_failed(here: Place) -> Failure:
    try:
        told = json.loads(here.ended.read_text())
        return Failure(told["reason"], told.get("details", ""))
    except (FileNotFoundError, json.JSONDecodeError):
        return Failure("the machine's keeper died", (here.folder / "keeper.log").read_text())


def end(here: Place) -> None:
    """End a machine that is up, and every guest in it. Raises TookTooLong."""
    pid = here.told().get("pid")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    for _ in waiting(END):
        if not here.is_up():
            return
    raise TookTooLong(f"waited {END:g} s for {here.name} to end; its keeper is process {pid}")
