"""The pictures of the two interludes: which registers are exchanged by whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from quoting.symbols import QuoteError

from .paper import Paper

if TYPE_CHECKING:
    from quoting.symbols import Index
    from sphinx.environment import BuildEnvironment

BY_HAND = "by hand"
SVM = {
    BY_HAND: "RCX RDX RBX RBP RSI RDI R8 … R15",
    "by VMRUN": "RIP RSP RFLAGS RAX, CR0 CR2 CR3 CR4, EFER, DR6 DR7, ES CS SS DS, GDTR IDTR",
    "by VMLOAD and VMSAVE": "FS GS TR LDTR, KernelGsBase, STAR LSTAR CSTAR SFMASK, "
                            "SYSENTER's three",
    "when the vCPU changes": "DR0 … DR3, floating point",
}
VMX = {
    BY_HAND: "RAX RCX RDX RBX RBP RSI RDI R8 … R15",
    "by the VMCS": "RIP RSP RFLAGS, CR0 CR3 CR4, EFER PAT, DR7, all segments, GDTR IDTR, "
                   "SYSENTER's three",
    "when the vCPU changes": "STAR LSTAR CSTAR FMASK, KernelGsBase, TSC_AUX, CR2, "
                             "DR0 … DR3, DR6, floating point",
}


def svm_crossing(_: Path, env: BuildEnvironment) -> Paper:
    """AMD's."""
    return _crossing(SVM, env.quoting.index, "svm_world_switch")  # type: ignore[attr-defined]


def vmx_crossing(_: Path, env: BuildEnvironment) -> Paper:
    """Intel's."""
    return _crossing(VMX, env.quoting.index, "vmx_world_switch")  # type: ignore[attr-defined]


def _crossing(moved: dict[str, str], index: Index, label: str) -> Paper:
    told = "; ".join(f"{how}: {which}" for how, which in moved.items())
    count, listed = moved_by_hand(index, label), _names(moved[BY_HAND])
    if count != listed:
        raise QuoteError(f"{label} moves {count} registers by hand, and {listed} are drawn")
    paper = Paper(720, 56 * len(moved) + 20, f"Which registers are exchanged how. {told}.")
    for at, (how, which) in enumerate(moved.items()):
        y = 12 + at * 56
        paper.box(16, y, 688, 46, "light" if how == BY_HAND else "plain")
        title = f"{how}: {count} registers" if how == BY_HAND else how
        paper.text(28, y + 19, title, at="start", style="name")
        paper.text(28, y + 37, which, at="start", style="small")
    return paper


def _names(registers: str) -> int:
    """How many registers a list names, "R8 … R15" being eight."""
    return len(registers.replace("R8 … R15", "").split()) + 8


def moved_by_hand(index: Index, label: str) -> int:
    """How many registers a world switch loads from the vCPU, one by one or by a list."""
    symbol = index.find_one(label)
    count = times = 0
    for row in index.lines(symbol.file)[symbol.first - 1 : symbol.last]:
        words = row.split("//")[0].split()
        if words[:1] == [".irp"]:
            times = len("".join(words[2:]).split(","))
        elif words[:1] == [".endr"]:
            times = 0
        elif words[:1] == ["mov"] and re.match(r"(\d+|\\number)\*8\(%r..\),", words[1]):
            count += times or 1
    return count
