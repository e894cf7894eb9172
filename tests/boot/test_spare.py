# A spare machine: an ISO, a screen, a PS/2 keyboard, no serial line, and disks that are not ours.
"""Machines used as a person would use them: text read from the screen, keys pressed one by one."""

import hashlib
import random
import time

import pytest

from pyhv import build
from pyhv import sentences as say
from pyhv.debugger import Debugger, address_of
from pyhv.screen import Screen
from pyhv.speed import scaled

# Which disks each chipset gets: q35's own controller is AHCI, and it has none for IDE.
DISKS = {
    "pc": {
        "ide": ("-device", "ide-hd,drive=ide,bus=ide.0"),
        "ahci": ("-device", "ahci,id=ahci", "-device", "ide-hd,drive=ahci,bus=ahci.0"),
        "nvme": ("-device", "nvme,drive=nvme,serial=1"),
    },
    "q35": {
        "ahci": ("-device", "ide-hd,drive=ahci,bus=ide.0"),
        "nvme": ("-device", "nvme,drive=nvme,serial=1"),
    },
}
DISK_BYTES = 8 * 2**20
PLACES = {
    "bios-pc": ("bios", "pc"),
    "uefi-q35": ("uefi", "q35"),
    "bios-q35": ("bios", "q35"),
    "uefi-pc": ("uefi", "pc"),
}
LONG = {"bios-q35", "uefi-pc"}
MEBIBYTES = 5120
# Four processors on a busy host take their time, above all to wake.
WAKING = 240
BREAK = "_ZN2hv4boot16break_on_purposeEv"
PROMPT = say.DOM0_PROMPT.rstrip() + r"\Z"


def make_disks(folder, chipset):
    """Write disks that a person would miss: a partition table, and every byte known."""
    disks = {name: folder / f"{name}.raw" for name in DISKS[chipset]}
    for name, path in disks.items():
        content = bytearray(random.Random(name).randbytes(DISK_BYTES))
        # One partition of Linux's from 1 MiB on; nothing to boot from
        content[:512] = bytes(446) + bytes.fromhex("00000000830000000008000000380000")
        content[462:512] = bytes(48) + b"\x55\xaa"
        path.write_bytes(content)
    return disks


def hashes(disks):
    """Return the SHA-256 of each disk."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in disks.items()}


def words_for(disks, chipset):
    """Return QEMU's words for the disks."""
    words = []
    for name, path in disks.items():
        words += ["-drive", f"if=none,id={name},format=raw,file={path}", *DISKS[chipset][name]]
    return tuple(words)


def break_machine(debugger, image):
    """Have the first pCPU found asleep, with no lock held, go on in a fault of the hypervisor's."""
    end = time.monotonic() + scaled(20)
    while time.monotonic() < end:
        debugger.interrupt()
        for processor in debugger.processors():
            debugger.choose(processor)
            if debugger.halted():
                debugger["rip"] = address_of(image, BREAK)
                return debugger.go_on()
        debugger.go_on()
    pytest.fail("no pCPU was ever asleep")


def see_the_machine_wake(screen):
    """All the way from the first line to the prompt."""
    screen.expect(say.FIRST, WAKING)
    screen.expect(say.LOADED.format(loader="multiboot2"))
    for cpu in (1, 2, 3):
        screen.expect(say.AWAKE.format(cpu=cpu))
    found = int(screen.expect(say.MEMORY)[1])
    assert MEBIBYTES - 64 <= found <= MEBIBYTES
    screen.expect(r"dom0> list\n(?s:.*)" + PROMPT, WAKING)


def use_linux(screen):
    """Into Linux, a question, out again; and it powers off because dom0 asks it to."""
    screen.type("console linux")
    screen.expect(say.LINUX_PROMPT.rstrip() + r"\Z", WAKING)
    screen.type("echo $((6*7))")
    screen.expect(r"\n42\n")
    screen.press("ctrl", "bracket_right")
    screen.expect(PROMPT)
    screen.type("shutdown linux")
    screen.expect(say.powered_off("linux") + "\n" + PROMPT, WAKING)


@pytest.mark.events
@pytest.mark.parametrize(
    "place", [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in PLACES]
)
def test_a_spare_machine_suffices(boot, image, module, tmp_path, place):
    firmware, chipset = PLACES[place]
    disks = make_disks(tmp_path, chipset)
    before = hashes(disks)
    machine = boot(
        image=image(), module=module(build.first_commands(True), linux=True),
        firmware=firmware, chipset=chipset,
        cpus=4, memory_mib=MEBIBYTES, serial=False, monitor=tmp_path / "monitor",
        debugger=tmp_path / "debugger", held=True, more=words_for(disks, chipset),
        grub=("ls",),  # which has firmware read each disk's first sector
    )
    screen = Screen(machine, tmp_path)
    # A reset is one; and after a power-off QEMU stays, to be asked about the disks
    screen.monitor.ask("set-action", reboot="reset", shutdown="pause")
    debugger = Debugger(tmp_path / "debugger")
    debugger.go_on()

    # Some work, and then the hypervisor breaks
    see_the_machine_wake(screen)
    use_linux(screen)
    break_machine(debugger, image())
    screen.expect(say.PANIC.format(cpu=r"\d"))
    screen.expect(r"hv::boot::break_on_purpose\+0x[0-9a-f]+(?s:.*)" + say.HALTED)

    # A person presses the button; then dom0 resets the machine; then it turns it off
    screen.monitor.events.clear()
    screen.monitor.ask("system_reset")
    assert screen.monitor.expect_event("RESET")["guest"] is False
    see_the_machine_wake(screen)
    screen.type("reset")
    assert screen.monitor.expect_event("RESET")["guest"] is True
    see_the_machine_wake(screen)
    screen.type("poweroff")
    assert screen.monitor.expect_event("SHUTDOWN")["reason"] == "guest-shutdown"

    # Each disk was really there, for firmware read it; and nobody wrote to one
    seen = {disk["device"]: disk["stats"] for disk in screen.monitor.ask("query-blockstats")}
    screen.monitor.ask("quit")
    assert machine.expect_end() == 0
    for name in disks:
        assert seen[name]["rd_operations"] > 0, name
        assert seen[name]["wr_operations"] == 0, name
    assert hashes(disks) == before


@pytest.mark.boot
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_panic_shows_before_there_is_a_dom0(boot, image, tmp_path, firmware):
    machine = boot(image=image("boot"), firmware=firmware, cpus=2, options="panic=1",
                   serial=False, monitor=tmp_path / "monitor")
    screen = Screen(machine, tmp_path)
    screen.expect(say.PANIC.format(cpu=1), WAKING)
    screen.expect(r"hv::boot::break_on_purpose\+0x[0-9a-f]+(?s:.*)" + say.HALTED)
