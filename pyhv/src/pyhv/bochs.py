# Bochs's command line.
"""Write the command line that has Bochs run a machine."""

from pathlib import Path

from pyhv.machine import Machine
from pyhv.paths import BUILD

MODEL = "corei7_skylake_x"
ROM = Path("/usr/share/bochs/BIOS-bochs-latest")

BY_HAND = "com1: enabled=1, mode=file, dev=/dev/stdout"


def on_terminal(name: str) -> str:
    """Return the option that ties COM1 to a terminal device."""
    return f"com1: enabled=1, mode=term, dev={name}"


def _debugger_script(machine: Machine) -> Path:
    """Debian's Bochs starts in its debugger: let it continue, and leave when it stops.

    With a debugger's side (see pyhv.frozen) it stays where it stops, and takes commands.
    """
    script = BUILD / ("bochs-debugged.rc" if machine.debugger else "bochs.rc")
    if not script.exists():
        script.write_text("c\n" if machine.debugger else "c\nq\n")
    return script


def by_hand(machine: Machine, iso: Path) -> list[str]:
    """Return the words for a terminal, with COM1 on it."""
    return command(machine, BY_HAND, iso)


def command(machine: Machine, serial: str, iso: Path) -> list[str]:
    """Return the words of the command; `serial` is the line for COM1."""
    # A tick of the TSC is an instruction, however many of them are a second.
    cpu = f"model={machine.model or MODEL}, count={machine.cpus}, ips={machine.ips}"
    memory = f"guest={machine.memory_mib}, host={machine.memory_mib}"
    # "error: ignore", because Bochs would log each VM exit.
    lines = [
        'display_library: rfb, options="timeout=0"',
        f"cpu: {cpu}, reset_on_triple_fault=0, ignore_bad_msrs=1",
        f"memory: {memory}",
        f"romimage: file={machine.rom or ROM}, options=fastboot",
        "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest",
        # GRUB, asked for a frame buffer, crashes on the VBE functions of this video BIOS.
        "vga: extension=none",
        "pci: enabled=1, chipset=i440fx",
        f"ata0-master: type=cdrom, path={iso}, status=inserted",
        "boot: cdrom",
        "clock: sync=none, time0=utc",
        # The mixer of the usual driver aborts on a machine without a sound card.
        "sound: driver=dummy",
        "panic: action=fatal",
        "error: action=ignore",
        "info: action=ignore",
        serial,
        *([f"{machine.line}: enabled=1, mode=term, dev={machine.link}"] if machine.link else []),
    ]
    # Without a file of its own, even an empty one, it would show its menu.
    return ["bochs", "-q", "-f", "/dev/null", "-rc", str(_debugger_script(machine)), *lines]
