# Figures: white paper, a precise line, and never colour alone.
"""Pictures of a machine, for notebooks and for the book.

Each function draws from plain numbers and returns matplotlib's figure: show it, or save it.
"""

from pyhv.figures.doorbell import doorbell
from pyhv.figures.gap import gap
from pyhv.figures.holders import holders
from pyhv.figures.memory_map import memory_map
from pyhv.figures.places import places

__all__ = ["doorbell", "gap", "holders", "memory_map", "places"]
