# Stops a new domain before its first instruction, and shows what it has.
import struct
import sys

import pyhv

SHOWN = ("rip", "eflags", "cr0", "cr3", "cr4", "rsp", "rbx")


def show(frozen) -> None:
    """Print the registers, and what lies where EBX points."""
    vcpu = frozen.domains[1].vcpus[0]
    registers = vcpu.registers
    print("  ".join(f"{name}={registers[name]:x}" for name in SHOWN))
    start = frozen.domains[1].read(registers["rbx"], 56)
    magic, version, flags, modules, modlist, cmdline, rsdp, memmap, entries = struct.unpack(
        "<IIIIQQQQI", start[:52])
    print(f"at rbx: magic {magic:x}, version {version}, flags {flags}, modules {modules}")
    line = frozen.domains[1].read(cmdline, 64).split(b"\0")[0].decode()
    print(f"command line: '{line}'; ACPI tables at {rsdp:x}")
    for at in range(entries):
        base, size, kind = struct.unpack("<QQI", frozen.domains[1].read(memmap + 24 * at, 20))
        print(f"memory map: {base:>8x} to {base + size:>9x}, type {kind}")


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256, counted=sys.argv[1] == "svm") as hv:
    with hv.breakpoint(0x100000, lambda hit: show(hit.frozen), domain=1):
        web = hv.create("web", kernel="hello", memory=16)
        web.console.expect("hello: I am awake", timeout=240)  # dom0 answers before it has begun
