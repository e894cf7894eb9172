# Holds a Linux twice, once as it works and once as it sleeps, and asks it afterwards what it saw.
import re
import sys

import pyhv

CENTISECOND = 10  # ms: Linux counts its time in these


def stolen(linux) -> int:
    """Return how much of its time Linux counts as stolen: ms."""
    linux.console.write("head -1 /proc/stat\n")
    counts = linux.console.expect(r"\ncpu +([\d ]+)\r?\n", timeout=60)[1].split()
    linux.console.expect("linux# ")
    return int(counts[7]) * CENTISECOND


def wait(hv, nanoseconds: int) -> None:
    """Wait by the machine's own clock."""
    start = hv.info["now_ns"]
    while hv.info["now_ns"] < start + nanoseconds:
        pass


def hold(hv, linux, nanoseconds: int) -> list[str]:
    """Pause it, and let it go on; return the names of registers that changed meanwhile."""
    linux.pause()
    before = linux.registers
    wait(hv, nanoseconds)
    after = linux.registers
    linux.unpause()
    return [name for name in before if before[name] != after[name]]


def told(hv, linux) -> list[str]:
    """Return what the hypervisor said of its pauses."""
    return [line for line in hv.trace.about(linux.id).tell().splitlines()
            if "I hold" in line or "goes on" in line]


def microseconds(line: str) -> int:
    """Return the gap in a sentence of the hypervisor's."""
    return int(re.search(r"(\d+) microseconds", line)[1])


def report(what: str, gap: int, counted: int) -> None:
    """Print what the hypervisor knows beside what Linux counted."""
    print(f"held {what}, ms: {round(gap / 1000)}")
    print(f"held {what}, of that stolen by Linux's count, ms: {counted}")


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=512, guests=["linux"],
               counted=sys.argv[1] == "svm") as hv:
    linux = hv.create("build-runner", kernel="linux", memory=128)
    linux.console.expect("linux# ", timeout=240)

    before = stolen(linux)
    linux.console.write("i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; echo counted to $i\n")
    wait(hv, 200_000_000)
    while linux.vcpus[0].state == "blocked":
        pass
    changed = hold(hv, linux, 3_000_000_000)
    counted = linux.console.expect(r"\ncounted to \d+", timeout=120)[0].strip()
    linux.console.expect("linux# ")
    after = stolen(linux)
    held, goes_on = told(hv, linux)
    print("== incident")
    print("dom0> pause build-runner\n" + held)
    print(f"changed among its {len(linux.registers)} registers while held: {' '.join(changed)}")
    print("dom0> unpause build-runner\n" + goes_on)
    print("build-runner, on its console: " + counted)
    print("== working")
    report("as it worked", microseconds(goes_on), after - before)

    before = stolen(linux)
    wait(hv, 500_000_000)  # nobody types
    while linux.vcpus[0].state != "blocked":
        pass
    hold(hv, linux, 3_000_000_000)
    after = stolen(linux)
    print("== asleep")
    report("as it slept", microseconds(told(hv, linux)[-1]), after - before)
