# How large each hypervisor's text is.
"""Read the size of the section .text out of the two images."""

import re
import subprocess
from pathlib import Path

from figures import Figure, Figures


def text(image: Path) -> Figures:
    """Return the size of an image's instructions, in KiB."""
    done = subprocess.run(["objdump", "-h", image], capture_output=True, text=True, check=True)
    found = re.search(r"^\s*\d+ \.text\s+([0-9a-f]+)", done.stdout, re.M)
    return {"text": Figure(int(found[1], 16) / 1024)} if found else {}
