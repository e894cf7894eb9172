# QEMU's command line.
"""Write the command line that has QEMU run a machine."""

import os
from pathlib import Path

from pyhv.machine import Machine

# Where a store of 0x10 ends QEMU with status 33.
EXIT_PORT = "isa-debug-exit,iobase=0xf4,iosize=4"
UEFI = "/usr/share/OVMF/OVMF_CODE_4M.fd"

# Repeatable: an instruction is a nanosecond and a TSC tick, and an idle machine does not wait.
COUNTED = ("-icount", "shift=0,sleep=off")
# And what else a machine might learn of this day: its random numbers and its wall clock.
REPEATABLE = (*COUNTED, "-seed", "1", "-rtc", "base=2026-01-01,clock=vm")

# What the link goes over: the first virtio console, or COM2, also where there is no COM1.
LINES = {
    "virtio": ("-device", "virtio-serial-pci-transitional", "-device", "virtconsole,chardev=link"),
    "com2": ("-device", "isa-serial,index=1,chardev=link"),
}

BY_HAND = ("-serial", "stdio")
NO_SERIAL = ("-serial", "none")


def on_terminal(name: str) -> tuple[str, ...]:
    """Return the options that tie COM1 to a terminal device."""
    return ("-chardev", f"serial,id=com1,path={name}", "-serial", "chardev:com1")


def wants_one_core(machine: Machine) -> bool:
    """Return whether all threads of its emulator must run on one core of the host.

    FXRSTOR and XRSTOR on any pCPU write to a word of pCPU 0's state, and QEMU takes no lock for it:
    where pCPU 0 enters or leaves a guest at that moment on another core, nested paging stays on, or
    interrupts off. A loop of FXRSTOR in a guest finds it within seconds; on one core, never. VMRUN
    writes so to the word in which another thread asks for an interrupt, with one pCPU as well.
    """
    may = hasattr(os, "sched_setaffinity")
    return may and machine.emulator == "qemu" and machine.accel == "tcg"


def by_hand(machine: Machine, iso: Path | None) -> list[str]:
    """Return the words for a terminal, with COM1 on it."""
    core = ["taskset", "-c", "0"] if wants_one_core(machine) else []
    return core + command(machine, BY_HAND, iso)


def command(machine: Machine, serial: tuple[str, ...], iso: Path | None) -> list[str]:
    """Return the words of the command; `serial` says where COM1 goes."""
    model = machine.model or ("EPYC" if machine.accel == "tcg" else "host")
    words = [
        "qemu-system-x86_64", "-M", machine.chipset, "-accel", machine.accel, "-cpu", model,
        "-smp", str(machine.cpus), "-m", str(machine.memory_mib),
        "-nodefaults", "-display", "none", "-vga", "std", "-no-reboot", "-device", EXIT_PORT,
        *serial, *machine.more,
    ]
    if machine.link:
        words += ["-chardev", f"socket,id=link,path={machine.link},server=on,wait=off",
                  *LINES[machine.line]]
    if machine.monitor:
        words += ["-qmp", f"unix:{machine.monitor},server=on,wait=off"]
    if machine.debugger:
        words += ["-gdb", f"unix:{machine.debugger},server=on,wait=off"]
    if machine.held:
        words.append("-S")
    if iso:
        words += ["-cdrom", str(iso), "-boot", "d"]
        if machine.firmware == "uefi":
            words += ["-drive", f"if=pflash,format=raw,readonly=on,file={UEFI}"]
        return words
    words += ["-kernel", str(machine.image)]
    if machine.options:
        words += ["-append", machine.options]
    modules = []
    if machine.first_kernel:
        modules.append(f"{machine.first_kernel} {machine.first_options}".strip())
    if machine.module:
        modules.append(str(machine.module))
    if modules:
        words += ["-initrd", ",".join(modules)]
    return words
