# How slow is this machine? Every timeout in the tour and the tests is scaled by the answer.
"""Scale timeouts by a short measurement and by SUBFLOOR_TIMEOUT_SCALE."""

import functools
import os
import time

# Seconds that the loop below takes on the machine for which the timeouts were written.
REFERENCE = 0.060
LARGEST = 20.0


def _measured() -> float:
    best = LARGEST
    for _ in range(3):
        start = time.perf_counter()
        sum(number * number for number in range(500_000))
        best = min(best, time.perf_counter() - start)
    return best


@functools.cache
def scale() -> float:
    """Return the factor for timeouts: at least 1, times SUBFLOOR_TIMEOUT_SCALE if that is set."""
    wish = float(os.environ.get("SUBFLOOR_TIMEOUT_SCALE", "1"))
    return wish * min(LARGEST, max(1.0, _measured() / REFERENCE))


def scaled(seconds: float) -> float:
    """Return a timeout of so many seconds on the reference machine, scaled for this one."""
    return seconds * scale()
