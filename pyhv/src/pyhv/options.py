# The options of ./chapters/tour; by itself this checks them, before anything is installed.
"""Read the tour's command line, with the standard library alone."""

import argparse
import sys
from typing import NoReturn

from pyhv.errors import Failure
from pyhv.machine import ENGINES
from pyhv.paths import chapters

DESCRIPTION = """Boots the hypervisor with dom0, the guest hello and Debian's Linux, and gives you
dom0's shell: type help. Ctrl-C ends it and leaves nothing behind; Ctrl-] leaves a guest's
console. The first run fetches what it needs; later ones start at once."""


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Failure(f"{message} (--help lists the options)")


def _count(least: int, most: int):
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a number from {least} to {most}")
        return int(text)

    return parse


def _chapter(text: str) -> str:
    if text not in chapters():
        raise argparse.ArgumentTypeError(f"{text} is no chapter; they are {' '.join(chapters())}")
    return text


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options; raise Failure where one is wrong."""
    parser = _Arguments(prog="tour", description=DESCRIPTION, allow_abbrev=False)
    option = parser.add_argument
    option("--engine", choices=ENGINES,
           help="svm: AMD's, in QEMU (default); vmx: Intel's, in Bochs")
    option("--accel", choices=("tcg", "kvm", "auto"), default="tcg",
           help="tcg emulates (default); kvm nests, with the engine of this machine")
    option("--cpus", type=_count(1, 8), default=2, metavar="N",
           help="physical CPUs, 1 to 8 (default 2)")
    option("--memory", type=_count(32, 65536), default=512, metavar="MiB",
           help="physical memory (default 512)")
    option("--through", type=_chapter, metavar="CHAPTER",
           help="as things stand at the end of a chapter: " + " ".join(chapters()))
    option("--iso", action="store_true", help="boot from a GRUB ISO, which also fits a USB stick")
    option("--batch", action="store_true", help="unattended: tell the story and check it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        parse(sys.argv[1:])
    except Failure as failure:
        print(f"tour: failed: {failure.reason}")
        sys.exit(1)
