# A machine of four pCPUs after boot: its memory, whose it is, and when each pCPU woke.
import sys

import pyhv

END = 256 << 20
WAKING = ("clock_set", "cpu_woken", "engine_found")


def owner(area: dict) -> str:
    """Return whose a stretch of frames is, in a word."""
    if area["state"] == "absent":
        return "kept back"
    known = {"d0": "dom0", "the hypervisor": "mine", "nobody": "free"}
    return known.get(area["owner"], area["owner"])


with pyhv.boot(engine=sys.argv[1], cpus=4, memory=256) as hv:
    told = list(hv.trace)
    with hv.freeze() as frozen:
        facts, table = frozen.machine.facts, frozen.machine.frames
        lines = [facts.memory_map._M_elems[i] for i in range(int(facts.memory_ranges))]
        print("== map")
        for line in lines:
            start, end = int(line.start.value), int(line.start.value + line.bytes)
            print(f"{start:>11x} to {end:>11x}  {line.kind.format_(type_name=False)}")
        print("== frames")
        for area in frozen.areas:
            print(f"{int(area['from'], 16):>11x} to {int(area['to'], 16):>11x}  {owner(area)}")
        taken = int(table.ram_count_) - int(table.free_count_)
        image = int(facts.image_end.value - facts.image_start.value)
        print("== count")
        print(f"frames of RAM in the table: {int(table.ram_count_)}")
        print(f"of these owned: {taken}")
        print(f"bytes of the image: {image}")
    print("== woken")
    for event in told:
        if event.name in WAKING:
            print(f"{event.time:>12,} ns  {event.sentence}")
    woken = [event.time for event in told if event.name == "cpu_woken"]
    print("== alone")
    print(f"nanoseconds until the second pCPU: {woken[0]}")
    print(f"nanoseconds until the last pCPU: {woken[-1]}")
