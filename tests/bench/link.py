# How fast the link is: bytes into dom0's memory and out of a guest's, over each way to dom0.
"""Measure the link on one emulated machine, by the clock on the wall.

    PYTHONPATH=pyhv/src build/venv/bin/python tests/bench/link.py [svm|vmx]

These figures are this machine's, in this run, with whatever else it did: the emulator's two threads
hand over a few bytes at a time, so they say more about the host's scheduler than about dom0.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from pyhv import build
from pyhv.booted.wire import Wire
from pyhv.dom0 import Dom0
from pyhv.emulator import Emulator
from pyhv.link import Link
from pyhv.linked.machine import Linked
from pyhv.machine import LINES, Machine

RC = "create hello kernel=hello memory=16\nlist\n"
UPLOAD = {"virtio": 4096 * 1024, "com2": 128 * 1024, "com1": 16 * 1024}
READ = 4096


def measure(link: Link, name: str, size: int) -> None:
    """Print how fast bytes go in and come out, and how long the shortest question takes."""
    data = random.Random(name).randbytes(size)
    begun = time.monotonic()
    Linked(link, name).files.send("bench", data)
    sent = time.monotonic()
    for gpa in range(0x100000, 0x100000 + size, READ):
        link.call("memory.read", domain="hello", gpa=gpa, count=READ)
    read = time.monotonic()
    for _ in range(50):
        link.call("store.read", path="/local/domain/1/name")
    asked = time.monotonic()
    link.call("file.remove", name="bench")
    kib = size / 1024
    print(f"{name}: in {kib / (sent - begun):.1f} KiB/s, out {kib / (read - sent):.1f} KiB/s,"
          f" a question {(asked - read) / 50 * 1000:.1f} ms;"
          f" {link.repeated} requests repeated", flush=True)


def boot(engine: str, over: str, folder: Path) -> None:
    """Boot a machine whose link goes over that line, and measure it; over COM2's, COM1 as well."""
    where = build.build(build.image_targets(None), show=False)
    module = build.write_module(folder / "module.cpio", where, RC, False)
    wire = Wire("bochs" if engine == "vmx" else "qemu", folder)
    machine = Machine(engine=engine, image=where / "hv.elf", module=module, memory_mib=256,
                      link=wire.device, link_over=over)
    with Emulator(machine) as emulator:
        Dom0(emulator).wait_for_prompt()
        print(f"{machine.emulator}, {engine}; load of the host {os.getloadavg()[0]:.1f}"
              f" on {os.cpu_count()} CPUs")
        with Link.open(wire.where, timeout=240) as link:
            measure(link, over, UPLOAD[over])
        if over == "com2":
            text: list[bytes] = []
            with Link.open(emulator.serial_fd, timeout=240, text=text.append) as link:
                measure(link, "com1", UPLOAD["com1"])
    wire.close()


def main(engine: str) -> None:
    """Measure every way to dom0 that the engine's emulator has."""
    for over in LINES["bochs" if engine == "vmx" else "qemu"]:
        with tempfile.TemporaryDirectory() as folder:
            boot(engine, over, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "svm")
