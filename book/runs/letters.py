# Two guests with a device between them: how they meet, and what is heard when one of them dies.
import re
import sys

import pyhv
from pyhv.linked.devices import Device, attach
from pyhv.paths import ROOT

SECOND = 1_000_000_000
STEPS = (ROOT / "chapters" / "events" / "letters" / "steps.hpp").read_text()


def said(domain) -> list[str]:
    """Return the lines that a guest has printed so far."""
    return [line.removeprefix("letters: ") for line in
            domain.console.text.replace("\r", "").splitlines() if line.startswith("letters: ")]


def short(line: str) -> str:
    """Leave out of a line the path by which a guest calls its device."""
    return re.sub(r"/local/domain/\S+/(\d+)", r"device \1", line)


def move_in(role: str, words: str = ""):
    """Make a guest that is the front or the back of devices."""
    return hv.create(role, kernel="letters", memory=4, cmdline=f"role={role} {words}")


def wait(nanoseconds: int) -> None:
    """Wait by the machine's own clock."""
    start = hv.info["now_ns"]
    while hv.info["now_ns"] < start + nanoseconds:
        pass


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=256, guests=["letters"]) as hv:
    back, front = move_in("back", "die=took"), move_in("front", "letters=3")
    device = Device("letters", front.id, back.id)
    attach(hv, device)
    back.console.expect("took: I die", timeout=120)
    back.wait("crashed")
    wait(SECOND)
    print("== meet")
    for domain in (front, back):
        for line in said(domain):
            print(f"{domain.name:5} {short(line)}")
    print("== dies")
    print(f"dom0's list: back is {back.state}, front is {front.state}")
    states = [hv.store[home + "/state"] for home in (device.front_home, device.back_home)]
    print(f"in the store: front {states[0]}, back {states[1]}")
    before = len(said(front))
    wait(SECOND)
    print(f"lines that the front printed in a second: {len(said(front)) - before}")
    print("== destroyed")
    back.destroy()
    front.console.expect("is over[^\n]*\n", timeout=120)
    for line in said(front)[before:]:
        print(f"front {short(line)}")
    print("== tried")
    who = re.findall(r"^    \w+, +// (both|front|back|who ends it):", STEPS, re.MULTILINE)
    deaths = len(who) + sum(each in ("both", "who ends it") for each in who)
    print(f"deaths that are tried: {deaths}")
