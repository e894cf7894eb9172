# The guests that the bench runs, as both hypervisors are told of them.
"""Describe the guests that the bench runs."""

import itertools
from pathlib import Path

from figures import Figure, Figures

from pyhv.xl import Guest

# Domains that do nothing: what does the hypervisor keep for each, its own memory not counted?
SIZES_MIB = (64, 256)


def meters(meter: Path) -> list[Guest]:
    """Return the one that only answers, and the one that measures."""
    return [Guest("answer", meter, "role=answer"), Guest("meter", meter, vcpus=2)]


def sized(meter: Path) -> list[Guest]:
    """Return domains of one vCPU that differ in their memory only."""
    return [Guest(f"idle-{size}", meter, "role=idle", size) for size in SIZES_MIB]


def kept_for(free_kib: list[int]) -> Figures:
    """Return what was kept for each, from the free memory before the first and after each."""
    steps = zip(SIZES_MIB, itertools.pairwise(free_kib), strict=True)
    return {
        f"domain-{size}": Figure(before - after - size * 1024) for size, (before, after) in steps
    }
