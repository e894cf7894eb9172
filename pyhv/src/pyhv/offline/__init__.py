# The offline kit: one archive with all that a class needs where there is no network.
"""Make the archive that `hv kit` makes."""

from pyhv.offline.kit import make

__all__ = ["make"]
