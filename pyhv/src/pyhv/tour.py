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
from pyhv.machine import ENGINES, Machine
from pyhv.paths import ROOT, chapters

DESCRIPTION = """Boots the hypervisor with dom0, the guest hello and Debian's Linux, and gives you
dom0's shell: type help. Ctrl-C ends it and leaves nothing behind; Ctrl-] leaves a guest's
console. The first run fetches what it needs; later ones start at once."""


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(f"{message} (--help lists the options)")


def _count(least: int, most: int):
    def parse(text: str) -> int:
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least} to {most}")
        return int(text)

    return parse


def _chapter(text: str) -> str:
    if text not in chapters():
        raise argparse.ArgumentTypeError(f"{text} is no chapter; they are {' '.join(chapters())}")
    return text


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options; raise Failure where one is wrong."""
    parser = _Arguments(prog="tour", description=DESCRIPTION)
    option = parser.add_argument
    option("--engine", choices=ENGINES,
           help="svm: AMD's, in QEMU (default); vmx: Intel's, in Bochs")
    option("--accel", choices=("tcg", "kvm", "auto"), default="tcg",
           help="tcg emulates (default); kvm nests, with the engine of this machine")
    option("--cpus", type=_count(1, 8), default=2, metavar="N", help="physical CPUs, 1 to 8")
    option("--memory", type=_count(32, 65536), default=512, metavar="MiB",
           help="physical memory (default 512)")
    option("--through", type=_chapter, metavar="CHAPTER",
           help="as things stand at the end of a chapter: " + " ".join(chapters()))
    option("--iso", action="store_true", help="boot from a GRUB ISO, which also fits a USB stick")
    option("--batch", action="store_true", help="unattended: tell the story and check it")
    return parser.parse_args(arguments)


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
    at_line_start = True

    def echo(text: str) -> None:
        nonlocal at_line_start
        text = readable(text)
        print(text, end="", flush=True)
        at_line_start = text.endswith("\n") if text else at_line_start

    def announce_apart(text: str) -> None:
        nonlocal at_line_start
        print("" if at_line_start else "\n", end="")
        announce(text)
        at_line_start = True

    emulator.echo_to(echo)
    story.tell(
        emulator, announce_apart,
        build.reaches("domains", wish.through), build.reaches("events", wish.through),
    )


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
