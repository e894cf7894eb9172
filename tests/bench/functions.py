# Which functions of the hypervisor an operation spends its instructions in.
"""The command tests/bench/functions."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import blocks
import guests
import linux_boot
import ours
import plugin
import typer
import xen_dom0
from figures import Figure, Figures
from pyhv.machine import Machine
from pyhv.paths import BUILD
from rich.console import Console
from rich.table import Table


# Enough to see where the instructions go; the trace is slow.
TIMES = 50
# What dom0 asks for last, when Linux is ready to run.
UNPAUSED = "hv::(anonymous namespace)::unpause_one(hv::DomctlCall&)"
# Real Xen's dom0 is no guest of SVM: the first that it resumes is Linux.
FIRST_RESUMED = "svm_asm_do_resume"


def _text(image: Path) -> range:
    """Return the addresses of the hypervisor's instructions."""
    words = ["objdump", "-h", str(image)]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"^ *\d+ \.text +([0-9a-f]+) +([0-9a-f]+) ", lines, re.M)
    size, start = int(found[1], 16), int(found[2], 16)
    return range(start, start + size)


def _count(operation: str) -> blocks.Count:
    """Trace one operation of the meter, or Linux from its start to its first program."""
    image = ours.image()
    if operation == "linux":
        domains, program = [linux_boot.guest(ours.init())], ours.init()
        first = blocks.Symbols(image).address(UNPAUSED)
        last = blocks.Symbols(program).address("_start")
    else:
        answer, meter = guests.meters(ours.meter())
        domains = [answer, replace(meter, options=f"only={operation} times={TIMES}")]
        marks = blocks.Symbols(ours.meter())
        first, last = marks.address("meter_begins"), marks.address("meter_ends")
    machine = ours.machine(domains)
    return blocks.run(machine, image, _text(image), [first, last], BUILD / "bench")[0]


def _linux_inside(machine: Machine, image: Path, begins: str, timeout: float) -> Figures:
    """Return the instructions of an image until Linux's first program runs, in millions."""
    places = [blocks.Symbols(image).address(begins), blocks.Symbols(ours.init()).address("_start")]
    (instructions,) = plugin.between(machine, _text(image), places, timeout)
    return {"linux-hypervisor": Figure(instructions / 1e6)}


def linux_in_hypervisor(timeout: float) -> Figures:
    """Return what of Linux's boot on SVM is the hypervisor's work."""
    machine = ours.machine([linux_boot.guest(ours.init())])
    return _linux_inside(machine, ours.image(), UNPAUSED, timeout)


def linux_in_xen(image: Path | None, timeout: float) -> Figures:
    """Return the same of real Xen, or of a changed copy."""
    machine = xen_dom0.machine([linux_boot.guest(ours.init())], image=image)
    return _linux_inside(machine, xen_dom0.with_sections(), FIRST_RESUMED, timeout)


def main(
    operation: Annotated[str, typer.Argument(help="A row of the bench, or linux.")],
    most: Annotated[int, typer.Option(help="How many functions to show.")] = 40,
) -> None:
    """Count the hypervisor's instructions per function, for one operation of the meter."""
    image = ours.image()
    counted = _count(operation)
    instructions, calls = counted.functions(blocks.Symbols(image), _text(image))
    total = sum(instructions.values())
    shown = Table(title=f"{operation}: {total:,} instructions of the hypervisor")
    shown.add_column("function", no_wrap=True)
    for head in ("calls", "instructions", "share"):
        shown.add_column(head, justify="right")
    for name, number in instructions.most_common(most):
        shown.add_row(name[:70], f"{calls[name]:,}", f"{number:,}", f"{number / total:.1%}")
    Console(width=120).print(shown)


if __name__ == "__main__":
    typer.run(main)
