# The frame table of a stopped machine, counted.
"""Who owns how many frames."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import drgn

from pyhv.frozen.domain import PAGE
from pyhv.frozen.tables import Table
from pyhv.frozen.values import number

if TYPE_CHECKING:
    from pyhv.frozen.machine import Frozen

# Domain numbers that are no guest's: owner_hypervisor and owner_nobody of hv/boot/frames.hpp.
NAMES = {0x7FFD: "the hypervisor", 0x7FFE: "nobody"}


def _read(frozen: "Frozen") -> tuple[Any, dict[int, str]]:
    """Return the frame table's owners and states, read in one piece, and the states' names."""
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
    rows = numpy.frombuffer(content, layout).copy()
    # A frame by which a walk came is a used one
    known = {name: value for value, name in states.items()}
    rows["state"][rows["state"] == known["walked"]] = known["used"]
    return rows, states


def _state(name: str) -> str:
    return name if name in ("used", "absent") else "free"


def count_frames(frozen: "Frozen") -> Table:
    """Return how many frames each owner has in each state."""
    import numpy

    rows, states = _read(frozen)
    counted: Counter[tuple[int, str]] = Counter()
    for (owner, state), count in zip(*numpy.unique(rows, return_counts=True), strict=True):
        counted[int(owner), _state(states[int(state)])] += int(count)
    return Table([
        {"owner": NAMES.get(owner, f"d{owner}"), "state": state, "frames": count,
         "MiB": round(count / 256, 1)}
        for (owner, state), count in counted.items()
    ])


def find_areas(frozen: "Frozen") -> Table:
    """Return the machine's memory in pieces of one owner and state, by address."""
    import numpy

    rows, states = _read(frozen)
    kinds = numpy.array([_state(states.get(at, "")) == "free" for at in range(256)])
    plain = numpy.where(kinds[rows["state"]], -1, rows["state"].astype(int))
    changes = (numpy.diff(plain) != 0) | (numpy.diff(rows["owner"].astype(int)) != 0)
    starts = [0, *(numpy.flatnonzero(changes) + 1).tolist()]
    return Table([
        {"from": f"{start * PAGE:#x}", "to": f"{end * PAGE:#x}",
         "owner": NAMES.get(int(rows["owner"][start]), f"d{rows['owner'][start]}"),
         "state": _state(states[int(rows["state"][start])])}
        for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)
    ])
