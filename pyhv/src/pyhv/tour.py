# The main job: boots everything and lets a person look, or tells it unattended.
"""The command ./chapters/tour."""

import argparse
import signal
import sys
import time
from typing import NoReturn

from pyhv import acceleration, build, kernels, story, terminal
from pyhv.emulator import Emulator, readable
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.options import parse
from pyhv.paths import ROOT


def announce(text: str) -> None:
    """Say a step of the tour itself, apart from what the machine says."""
    print(f"tour: {text}", flush=True)


def prepare(wish: argparse.Namespace) -> Machine:
    """Fetch, build, and describe the machine."""
    accel, engine = acceleration.choose(wish.accel, wish.engine)
    with_dom0 = build.reaches("domains", wish.through)
    with_linux = build.reaches("events", wish.through)
    where = build.build(build.image_targets(wish.through), wish.through)
    module = None
    if with_dom0:
        commands = build.first_commands(with_linux)
        module = build.write_module(where / "tour.cpio", where, commands, with_linux)
    if with_linux:
        announce(kernels.fetch_kernel().line())
        announce(kernels.fetch_busybox().line())
        announce(f"initramfs: sha256 {build.initramfs_hash()}")
    return Machine(
        engine=engine, accel=accel, image=where / "hv.elf", module=module, cpus=wish.cpus,
        memory_mib=wish.memory, firmware="bios" if wish.iso else "direct",
    )


def _tell(emulator: Emulator, wish: argparse.Namespace) -> None:
    held = ""

    def echo(text: str) -> None:
        # Whole lines only: a half-said one may yet step aside.
        nonlocal held
        lines, newline, held = (held + text).rpartition("\n")
        print(readable(lines + newline), end="", flush=True)

    def end_line() -> None:
        nonlocal held
        rest, held = readable(held), ""
        print(f"{rest}\n" if rest else "", end="")

    def announce_apart(text: str) -> None:
        end_line()
        announce(text)

    emulator.echo_to(echo)
    story.tell(
        emulator, announce_apart,
        build.reaches("domains", wish.through), build.reaches("events", wish.through),
    )
    end_line()


def run(wish: argparse.Namespace) -> None:
    """Boot the machine and hand it over, or tell its story."""
    started = time.monotonic()
    machine = prepare(wish)
    announce(f"{machine.emulator}, {machine.engine}, {machine.cpus} CPUs, "
             f"{machine.memory_mib} MiB; ready after {time.monotonic() - started:.1f} s")
    with Emulator(machine) as emulator:
        if emulator.iso and wish.iso:
            announce(f"the ISO is {emulator.iso.relative_to(ROOT)}")
        if wish.batch:
            _tell(emulator, wish)
        else:
            announce("type help at the prompt; Ctrl-C ends the tour")
            terminal.connect(emulator)
            print()


def _on_signal(number: int, _: object) -> NoReturn:
    raise Failure(f"ended by {signal.Signals(number).name}")


def main(arguments: list[str]) -> int:
    """Run the tour; return its exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    batch = "--batch" in arguments
    try:
        run(parse(arguments))
    except Failure as failure:
        if failure.details:
            print(f"\n{failure.details}")
        print(f"tour: failed: {failure.reason}")
        return 1
    except KeyboardInterrupt:
        print("tour: failed: ended by Ctrl-C" if batch else "")
        return 1 if batch else 0
    if batch:
        print("tour: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
