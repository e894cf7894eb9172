# The link's line of an emulated machine: QEMU listens on a socket, Bochs opens a terminal of ours.
"""Both ends of the line that the link runs over."""

import os
import pty
import tty
from pathlib import Path


class Wire:
    """One line: `device` is for the emulator, `where` for pyhv.link."""

    def __init__(self, emulator: str, folder: Path) -> None:
        self._descriptors: tuple[int, ...] = ()
        if emulator == "bochs":
            ours, theirs = pty.openpty()
            tty.setraw(theirs)
            self._descriptors = (ours, theirs)
            self.device, self.where = Path(os.ttyname(theirs)), ours
        else:
            self.device = folder / "link"
            self.where = f"unix:{self.device}"

    def close(self) -> None:
        """Let go of the terminal, where there is one."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = ()
