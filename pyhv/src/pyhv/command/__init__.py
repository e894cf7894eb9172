# The command hv: one verb for each thing that a person does with Subfloor.
"""The command line, `hv`."""

from pyhv.command import (
    domains,
    experiments,
    machines,
    packing,
    practising,
    reading,
    sharing,
    store,
    telling,
    watching,
)
from pyhv.command.shared import app, run

__all__ = ["app", "domains", "experiments", "machines", "packing", "practising", "reading", "run",
           "sharing", "store", "telling", "watching"]
