# QEMU's sockets: its monitor's and its debugger's, which it opens some time after it has started.
"""Connect to a socket that QEMU opens."""

import socket
import time
from pathlib import Path

from pyhv.errors import Failure
from pyhv.speed import scaled


def connect(path: Path, whose: str, timeout: float = 20.0) -> socket.socket:
    """Wait until there is a listener at `path`, and return the connection."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(scaled(timeout))
    end = time.monotonic() + scaled(timeout)
    while True:
        try:
            connection.connect(str(path))
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                raise Failure(f"QEMU opened no {whose}'s socket at {path}") from None
            time.sleep(0.01)
