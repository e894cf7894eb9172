# What it takes to freeze a machine and look into it, in wall-clock time.
"""The command tests/bench/freezing."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pyhv import build
from pyhv.dom0 import Dom0
from pyhv.emulator import Emulator
from pyhv.frozen import freeze
from pyhv.frozen.machine import Frozen
from pyhv.machine import Machine
from rich.console import Console
from rich.table import Table

LOOKS: dict[str, Callable[[Frozen], object]] = {
    "the domains": lambda f: repr(f.domains),
    "the pCPUs": lambda f: repr(f.cpus),
    "a walk": lambda f: repr(f.domains[1].p2m.walk(0x100000)),
    "the frame table": lambda f: repr(f.frames),
}


def once(emulator: Emulator) -> dict[str, float]:
    """Freeze once, and return the milliseconds that each look took."""
    took, start = {}, time.perf_counter()

    def note(what: str) -> None:
        nonlocal start
        took[what] = (time.perf_counter() - start) * 1000
        start = time.perf_counter()

    with freeze(emulator) as frozen:
        note("freeze")
        for what, look in LOOKS.items():
            look(frozen)
            note(what)
    note("let go on")
    return took


def main(
    engine: Annotated[str, typer.Option(help="svm (QEMU) or vmx (Bochs).")] = "svm",
    times: Annotated[int, typer.Option(help="How often.")] = 20,
) -> None:
    """Boot to dom0's prompt, freeze the machine again and again, and show the median times."""
    where = build.build(build.image_targets(None), None)
    with tempfile.TemporaryDirectory() as folder:
        commands = build.first_commands(False)
        module = build.write_module(Path(folder) / "module.cpio", where, commands, False)
        machine = Machine(engine=engine, image=where / "hv.elf", module=module, cpus=2,
                          debugger=Path(folder) / "debugger")
        with Emulator(machine) as emulator:
            Dom0(emulator).wait_for_prompt()
            runs = [once(emulator) for _ in range(times)]
    table = Table(title=f"{engine}, {machine.memory_mib} MiB, {times} times")
    table.add_column("what")
    table.add_column("ms, median", justify="right")
    for what in runs[0]:
        table.add_row(what, f"{statistics.median(run[what] for run in runs):.1f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
