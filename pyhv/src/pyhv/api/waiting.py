# Looking again and again until something is so, or until it has taken too long.
"""Waiting for what can only be asked."""

import time
from collections.abc import Iterator

from pyhv.speed import scaled

SHORTEST, LONGEST = 0.01, 0.25
"""Seconds between two looks: the longer it takes, the more seldom."""


def waiting(timeout: float) -> Iterator[None]:
    """Yield before each look, until the time is over; the caller says what it waited for.

    The time is scaled for this machine. There are always two looks at least, so that a timeout
    of 0 asks whether it is so now.
    """
    end = time.monotonic() + scaled(timeout)
    pause = SHORTEST
    yield
    while time.monotonic() < end:
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
        pause = min(LONGEST, pause * 1.5)
        yield
    yield
