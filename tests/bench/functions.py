# Which functions of the hypervisor an operation spends its instructions in.
"""The command tests/bench/functions."""

import re
import subprocess
from pathlib import Path
from typing import Annotated

import blocks
import guests
import linux_boot
import ours
import typer
import xen_dom0
from figures import Figure, Figures
from pyhv.paths import BUILD
from rich.console import Console
from rich.table import Table


# Enough to see where the instructions go; the trace is slow.
TIMES = 50
# What dom0 asks for last, when Linux is ready to run.
UNPAUSED = "hv::(anonymous namespace)::unpause_one(hv::DomctlCall&)"


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
        domains = [answer, guests.Guest("meter", meter.kernel, f"only={operation} times={TIMES}")]
        marks = blocks.Symbols(ours.meter())
        first, last = marks.address("meter_begins"), marks.address("meter_ends")
    machine = ours.machine(domains)
    return blocks.run(machine, image, _text(image), [first, last], BUILD / "bench")[0]


def linux_in_hypervisor() -> Figures:
    """Return the hypervisor's instructions until Linux's first program runs, in millions."""
    image = ours.image()
    instructions, _ = _count("linux").functions(blocks.Symbols(image), _text(image))
    return {"linux-hypervisor": Figure(sum(instructions.values()) / 1e6)}


def linux_in_xen(image: Path | None) -> Figures:
    """Return the same of real Xen, or of a changed copy; and how often Linux came to it."""
    told = xen_dom0.with_sections()
    symbols, within = blocks.Symbols(told), _text(told)
    # Its dom0 is no guest of SVM: the first to be resumed is Linux
    places = [
        symbols.address("svm_asm_do_resume"), blocks.Symbols(ours.init()).address("_start"),
        symbols.address("domain_shutdown"),
    ]
    machine = xen_dom0.machine([linux_boot.guest(ours.init())], image=image)
    counts = blocks.run(machine, told, within, places, BUILD / "bench")
    boot, end = (count.functions(symbols, within) for count in counts)
    exits = boot[1]["svm_vmexit_handler"] + end[1]["svm_vmexit_handler"]
    return {
        "linux-hypervisor": Figure(sum(boot[0].values()) / 1e6), "linux-exits": Figure(exits),
    }


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
