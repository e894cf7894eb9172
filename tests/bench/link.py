# How fast the link is: bytes into dom0's memory and out of a guest's, over each way to dom0.
"""Measure the link on one emulated machine, by the clock on the wall.

    PYTHONPATH=pyhv/src build/venv/bin/python tests/bench/link.py [svm|vmx]

These figures are this machine's, in this run, with whatever else it did: the emulator's two threads
hand over a few bytes at a time, so they say more about the host's scheduler than about dom0.
"""

import os
import pty
import random
import sys
import tempfile
import time
import tty
from pathlib import Path

from pyhv import build
from pyhv.dom0 import Dom0
from pyhv.emulator import Emulator
from pyhv.link import Link
from pyhv.machine import Machine

RC = "create hello kernel=hello memory=16\nlist\n"
UPLOAD = {"virtio": 4096 * 1024, "com2": 128 * 1024, "com1": 16 * 1024}
READ = 4096


def measure(link: Link, name: str, size: int) -> None:
    """Print how fast bytes go in and come out, and how long the shortest question takes."""
    data = random.Random(name).randbytes(size)
    begun = time.monotonic()
    link.upload("bench", data)
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


def main(engine: str) -> None:
    """Boot a machine and measure both ways to its dom0."""
    where = build.build(build.image_targets(None), show=False)
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    with tempfile.TemporaryDirectory() as folder:
        module = build.write_module(Path(folder) / "module.cpio", where, RC, False)
        on_socket = Path(folder) / "link"
        path = on_socket if engine == "svm" else Path(os.ttyname(theirs))
        machine = Machine(engine=engine, image=where / "hv.elf", module=module, memory_mib=256,
                          link=path)
        with Emulator(machine) as emulator:
            Dom0(emulator).wait_for_prompt()
            print(f"{machine.emulator}, {engine}; load of the host {os.getloadavg()[0]:.1f}"
                  f" on {os.cpu_count()} CPUs")
            with Link.open(f"unix:{on_socket}" if engine == "svm" else ours, timeout=240) as link:
                measure(link, "com2", UPLOAD["com2"])
            text: list[bytes] = []
            with Link.open(emulator.serial_fd, timeout=240, text=text.append) as link:
                measure(link, "com1", UPLOAD["com1"])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "svm")
