# The shared tooling: fetches, builds, boots and talks to Subfloor.
"""Drive Subfloor from Python.

`hosted()` opens a machine in this process, out of the hypervisor's own code:

>>> import pyhv
>>> with pyhv.hosted(seed=1, cpus=2, memory=64) as hv:
...     web = hv.create("web", memory=4)
...     hv.domains
Name  ID  State  Mem  VCPUs
dom0   0  alive    2      1
web    1  alive    4      1
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyhv.t0.machine import Hosted

__all__ = ["hosted"]


def hosted(seed: int = 1, cpus: int = 2, memory: int = 64) -> "Hosted":
    """Open a machine of tier T0: the chapters' own code in this process, and no processor.

    `cpus` pCPUs and `memory` MiB are its own. Guests are Python coroutines that issue hypercalls;
    which of them goes on, and how fast time passes, follows from `seed` alone. Close it, or use it
    in a `with`. Raises NotBuilt where the extension is missing.
    """
    from pyhv.t0.machine import Hosted

    return Hosted(seed, cpus, memory)
