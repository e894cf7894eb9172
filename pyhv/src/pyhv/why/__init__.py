# Why a domain does not go on: what is asked, and who is found to owe the next move.
"""Who keeps whom waiting: `hv why DOMAIN`."""

from pyhv.why.reasoning import Owed, owes
from pyhv.why.situation import Device, End, Ring, Situation
from pyhv.why.telling import Why, why

__all__ = ["Device", "End", "Owed", "Ring", "Situation", "Why", "owes", "why"]
