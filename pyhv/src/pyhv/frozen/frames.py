# The frame table of a stopped machine, counted.
"""Who owns how many frames."""

from typing import TYPE_CHECKING

import drgn

from pyhv.frozen.domain import Table
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
    kinds, counts = numpy.unique(rows, return_counts=True)
    return Table([
        {"owner": NAMES.get(int(kind["owner"]), f"d{kind['owner']}"),
         "state": states[int(kind["state"])].replace("_", " "),
         "frames": int(count), "MiB": round(int(count) / 256, 1)}
        for kind, count in zip(kinds, counts, strict=True)
    ])
