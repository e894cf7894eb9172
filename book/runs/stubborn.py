# A guest that turns its interrupts off and computes for ever is held: what brought it out?
import sys
from pathlib import Path

import pyhv

sys.path.append(str(Path(__file__).parents[2] / "tests" / "boot"))
from shapes import MIB, PT_LOAD, PT_NOTE, Part, elf, entry_note  # noqa: E402

# CLI; and a jump to itself
CODE = b"\xfa\xeb\xfe"

with pyhv.boot(engine=sys.argv[1], cpus=2, memory=256) as hv:
    kernel = elf([Part(PT_LOAD, CODE, MIB), Part(PT_NOTE, entry_note(MIB))])
    stubborn = hv.create("stubborn", kernel=kernel, memory=4)
    stubborn.pause()
    with hv.freeze() as frozen:
        held = frozen.domains[stubborn.id].vcpus[0]
        print(f"it is {held.state}; what brought it out: {held.last_exit}")
