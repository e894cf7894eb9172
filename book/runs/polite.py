# Linux's own console driver meets a back that says 3 and never 4: it waits, and says nothing.
import struct
import sys
from collections import Counter

import pyhv
from pyhv.linked.devices import Device, attach

PAGE, OUT, OUT_INDICES = 4096, 1024, 3072 + 8  # xen/io/console.h
WATCHED = 5_000_000_000  # ns
STATES = {"1": "initialising", "2": "waiting", "3": "initialised", "4": "connected"}


def show(hv, front: str, back: str) -> None:
    """Print both folders' states, and what the front has written for the back."""
    for who, path in (("front", front), ("back", back)):
        state = hv.store[path + "/state"]
        print(f"{who}: state {state}, {STATES[state]}")


def ask(linux, line: str) -> str:
    """Type a line, and return what comes of it."""
    linux.console.write(line + "\n")
    said = linux.console.expect(r"(?s)\n(.*?)linux# ", timeout=120)[1]
    return said.replace("\r", "").strip("\n")


def hypercalls(hv, linux) -> int:
    """Return how often it has asked the hypervisor for anything."""
    with hv.freeze() as frozen:
        return frozen.domains[linux.id].row()["Hypercalls"]


with pyhv.boot(engine=sys.argv[1], cpus=1, memory=512, guests=["linux"]) as hv:
    linux = hv.create("web-frontend", kernel="linux", memory=128)
    linux.console.expect("linux# ", timeout=240)

    print("== interrupts")
    print(ask(linux, "grep -E 'xen-|HYP' /proc/interrupts"))
    print("== rung")
    with hv.trace("bells") as bells:
        ask(linux, "echo")
    rung = Counter((e.domain, e.fields["port"]) for e in bells.of("event_sent"))
    for (domain, port), times in sorted(rung.items()):
        print(f"d{domain} rang port {port}, times: {times}")
    print("== rows")
    with hv.freeze() as frozen:
        print(frozen.domains[linux.id].ports)

    device = Device("console", linux.id, 0, number=1)
    front, back = device.front_home, device.back_home
    attach(hv, device)
    hv.store[back + "/state"] = "2"
    while hv.store[front + "/state"] != "3":
        pass
    hv.store[back + "/state"] = "3"
    print("== states")
    show(hv, front, back)
    for name in ("ring-ref", "port"):
        print(f"{name}: {hv.store[front + '/' + name]}")
    print("== polite")
    print("linux# echo are you there >/dev/hvc1; echo $?")
    print(ask(linux, "echo are you there >/dev/hvc1; echo $?"))
    print("== page")
    ref, port = int(hv.store[front + "/ring-ref"]), int(hv.store[front + "/port"])
    with hv.freeze() as frozen:
        domain = frozen.domains[linux.id]
        row = next(row for row in domain.ports if row["port"] == port)
        frame = int(next(row for row in domain.grants if row["ref"] == ref)["frame"], 16)
        page = domain.read(frame << 12, PAGE)
    taken, written = struct.unpack_from("<II", page, OUT_INDICES)
    print(f"port {port} is {row['is']}, for {row['remote']}")
    print(f"grant {ref} is frame {frame:#x}, and there lies: {page[OUT:OUT + written].decode()!r}")
    print(f"bytes written: {written}")
    print(f"bytes taken: {taken}")
    print("== why")
    print(next(each for each in hv.why(linux).sentences if each.startswith("console/1")))
    print("== claims")
    hv.store[back + "/state"] = "4"
    while hv.store[front + "/state"] != "4":
        pass
    show(hv, front, back)
    with hv.freeze() as frozen:
        row = next(row for row in frozen.domains[linux.id].ports if row["port"] == port)
    print(f"port {port} is {row['is']}, for {row['remote']}")
    print("== catatonic")
    print("linux# head -c 3000 /dev/zero >/dev/hvc1")
    linux.console.write("head -c 3000 /dev/zero >/dev/hvc1; echo it returned\n")
    linux.console.expect("returned\r?\n")
    lines = len(hv.dmesg().splitlines())
    before, start = hypercalls(hv, linux), hv.info["now_ns"]
    while hv.info["now_ns"] < start + WATCHED:
        pass
    after = hypercalls(hv, linux)
    came_back = "linux# " in linux.console.text.rsplit("it returned", 1)[1]
    found = "is back" if came_back else "has not come back"
    print(f"its prompt, {WATCHED // 10**9} s later: {found}")
    print(f"hypercalls that it made in these: {after - before}")
    print(f"lines that the hypervisor wrote in these: {len(hv.dmesg().splitlines()) - lines}")
