# The frame table of a stopped machine, counted.
"""Who owns how many frames."""

from collections import Counter
from typing import TYPE_CHECKING

import drgn

from pyhv.frozen.tables import Table
from pyhv.frozen.values import number

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

# Domain numbers that are no guest's: owner_hypervisor and owner_nobody of hv/boot/frames.hpp.
NAMES = {0x7FFD: "the hypervisor", 0x7FFE: "nobody"}


def count_frames(frozen: "Frozen") -> Table:
    """Return how many frames each owner has in each state, read in one piece."""
    import numpy

    table = frozen.machine.frames
    row = frozen.program.type("struct hv::FrameRow")
    states = {each.value: each.name for each in
              frozen.program.type("enum hv::FrameState").enumerators}
    at = {member.name: member.offset for member in row.members}
    layout = numpy.dtype({
        "names": ["owner", "state"], "formats": ["<u2", "u1"],
        "offsets": [at["owner"], at["state"]], "itemsize": row.size,
    })
    content = frozen.program.read(
        number(table.rows_), number(table.frame_count_) * drgn.sizeof(row))
    rows = numpy.frombuffer(content, layout)
    counted: Counter[tuple[int, str]] = Counter()
    for (owner, state), count in zip(*numpy.unique(rows, return_counts=True), strict=True):
        name = states[int(state)]
        counted[int(owner), name if name in ("used", "absent") else "free"] += int(count)
    return Table([
        {"owner": NAMES.get(owner, f"d{owner}"), "state": state, "frames": count,
         "MiB": round(count / 256, 1)}
        for (owner, state), count in counted.items()
    ])
