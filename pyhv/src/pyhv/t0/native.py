# Finds the compiled half, where it is first used.
"""The extension `pyhv._hosted`, or one line on how to get it."""

from types import ModuleType

import pyhv
from pyhv.errors import NotBuilt
from pyhv.paths import BUILD


def load() -> ModuleType:
    """Return the extension. Raises NotBuilt."""
    # In a checkout it is in the build tree
    built = str(BUILD / "pyhv")
    if (BUILD / "pyhv").is_dir() and built not in pyhv.__path__:
        pyhv.__path__.append(built)
    try:
        from pyhv import _hosted
    except ImportError as missing:
        raise NotBuilt(
            "the hosted tier has not been built: `pip install ./pyhv`, or in a checkout "
            f"`./tests/run unit` ({missing})"
        ) from missing
    return _hosted
