# Boots a hypervisor with our dom0, has it run the oracle's guest, and gathers the answers.
"""One guest, its lives, and what it was answered under Xen and under Subfloor."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import by_xl
from pyhv import build, qemu, xen
from pyhv import sentences as say
from pyhv.dom0 import ANSWER, BOOT
from pyhv.emulator import Emulator
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.paths import BUILD

GUEST = "oracle"
ANSWER_LINE = re.compile(r"\(d\d+\) ([a-z_]+\.[^=\n]*?) = ([^\n]*)$", re.M)
ENDINGS = (r"oracle \(d\d+\) (powered off|crashed|rebooted)", "cannot create oracle: [^\n]*")
# How long a life may last, in seconds; Bochs runs about thirty times slower.
LIFE = {"qemu": 60.0, "bochs": 600.0}
SOURCES = Path(__file__).parent / "guest"

Answers = dict[str, str]


@dataclass
class Hypervisor:
    """What is asked: a name, what makes its machine, and how its dom0 is told to ask."""

    name: str
    machine: Callable[[], Machine]
    ask: Callable[[Emulator], Answers]


def table(room: str) -> list[str]:
    """Return the first column of a table in the guest's source: each row begins with a name."""
    return re.findall(r'^    \{"([a-z0-9-]+)", ', (SOURCES / room).read_text(), re.M)


def prepare() -> Path:
    """Build the image, dom0 and the guest; return the boot module that holds them."""
    where = build.build([*build.image_targets(), "oracle.elf"], show=False)
    for program in ("dom0", GUEST):
        _strip(where / "guests" / f"{program}.elf", where / "chapters" / "module" / program)
    return build.write_module(where / "oracle.cpio", where, "list\n", False, (GUEST,))


def _strip(source: Path, target: Path) -> None:
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        build.run(["objcopy", "--strip-debug", str(source), str(target)], show=False)


def lives() -> dict[str, str]:
    """Return the guest's lives: its command line, and the name that tells how it ended.

    Each subject and each ending has one of its own: none finds what another left.
    """
    rooms = (("ask", "main.cpp"), ("end", "endings.cpp"))
    return {
        f"{option}={name}": f"{option}.{name}: dom0 saw it"
        for option, room in rooms for name in table(room)
    }


def hypervisors(module: Path) -> dict[str, Hypervisor]:
    """Return those that can be asked: Xen and Subfloor, each on SVM and on VMX.

    On SVM our dom0 runs under Xen, too. On VMX that takes an IOMMU: Linux and xl create the guest.
    """
    image, programs = BUILD / "hv.elf", BUILD / "chapters" / "module"
    machines = {
        "xen": lambda: xen.machine(programs / "dom0", module, more=qemu.COUNTED),
        "xen-vmx": lambda: by_xl.machine(programs / GUEST, list(lives()), "vmx"),
        "svm": lambda: Machine(image=image, module=module, more=qemu.COUNTED),
        "vmx": lambda: Machine(engine="vmx", image=image, module=module),
    }
    return {
        key: Hypervisor(
            "Xen 4.17" if key.startswith("xen") else "Subfloor", machine,
            ask_xl if key == "xen-vmx" else ask_our_dom0,
        )
        for key, machine in machines.items()
    }


class Questioner:
    """One booted hypervisor; each `live` is one life of the guest."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        kind = emulator.machine.emulator
        self.boot, self.answer, self.life = BOOT[kind], ANSWER[kind], LIFE[kind]
        emulator.expect(say.DOM0_PROMPT + r"list\r*\n", self.boot)
        emulator.expect(say.DOM0_PROMPT, self.answer)

    def live(self, words: str) -> tuple[Answers, str]:
        """Create the guest with a command line; return what it told, and how it ended."""
        begin = len(self.emulator.log)
        shape = f"kernel={GUEST} memory=32 vcpus=2"
        self.emulator.send_line(f'create {GUEST} {shape} cmdline="{words}"')
        index, match = self.emulator.expect_any(list(ENDINGS), self.life)
        if index == 1:
            raise self.emulator.failure(match[0])
        # dom0 reads nothing while it works: wait until it asks again
        self.emulator.expect(say.DOM0_PROMPT, self.answer)
        if match[1] != "powered off":
            self.emulator.send_line(f"destroy {GUEST}")
            self.emulator.expect(rf"destroy {GUEST}\r*\n", self.answer)
            self.emulator.expect(say.DOM0_PROMPT, self.answer)
        return gather(self.emulator.log[begin:]), match[1]


def gather(log: str) -> Answers:
    """Return the answers in a log; a question that is put twice is a mistake of ours."""
    answers: Answers = {}
    for question, answer in ANSWER_LINE.findall(log):
        if question in answers:
            raise Failure(f"the guest puts {question!r} twice: give each its own name")
        answers[question] = answer.strip()
    return answers


def ask_our_dom0(emulator: Emulator) -> Answers:
    """Put every question through our dom0's shell, and return the answers."""
    questioner = Questioner(emulator)
    answers: Answers = {}
    for words, seen in lives().items():
        told, ending = questioner.live(words)
        answers |= told | {seen: ending}
    return answers


def ask_xl(emulator: Emulator) -> Answers:
    """Have dom0's script put every question, and return the answers."""
    answers: Answers = {}
    for words, said, ending in by_xl.each_life(emulator, list(lives())):
        answers |= gather(said) | {lives()[words]: ending}
    return answers


def ask(hypervisor: Hypervisor) -> Answers:
    """Boot the hypervisor, put every question, and return the answers."""
    with Emulator(hypervisor.machine()) as emulator:
        return hypervisor.ask(emulator)
