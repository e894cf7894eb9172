# A guest as both hypervisors are told of it.
"""Describe the guests that the bench runs."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Guest:
    """A PVH guest with one vCPU: its name, kernel, command line, memory and RAM disk."""

    name: str
    kernel: Path
    options: str = ""
    memory_mib: int = 16
    ramdisk: bytes | None = None


def meters(meter: Path) -> list[Guest]:
    """Return the one that only answers, and the one that measures."""
    return [Guest("answer", meter, "role=answer"), Guest("meter", meter)]
