# The lines that a link can run over: a socket, a terminal, a serial port.
"""Open a byte stream to dom0, by its name."""

import os
import select
import socket
import time
from typing import Protocol

import serial

from pyhv.errors import LinkLost, WrongArgument

BAUD = 115_200
CHUNK = 4096
# What is handed over at once: a terminal that says it has room has room for this.
PIECE = 512
KNOWN = "unix:PATH, tcp:HOST:PORT, a serial device such as /dev/ttyUSB0, or a file descriptor"


class Transport(Protocol):
    """A byte stream to dom0 and back."""

    name: str

    def read(self, timeout: float) -> bytes:
        """Return what has come, waiting for it; nothing when the time is over."""

    def write(self, data: bytes, timeout: float) -> None:
        """Send bytes, or raise LinkLost when the line takes none for so long."""

    def close(self) -> None:
        """Let go of the line."""


class Descriptor:
    """A socket or a terminal, by its file descriptor."""

    def __init__(self, fd: int, name: str, *, owned: bool) -> None:
        self.name = name
        self._fd = fd
        self._owned = owned

    def read(self, timeout: float) -> bytes:
        """Return what has come, waiting for it; nothing when the time is over."""
        ready, _, _ = select.select([self._fd], [], [], max(timeout, 0.0))
        if not ready:
            return b""
        try:
            data = os.read(self._fd, CHUNK)
        except OSError as error:
            raise LinkLost(f"the line {self.name} broke: {error.strerror}") from error
        if not data:
            raise LinkLost(f"the other end of {self.name} has closed the line")
        return data

    def write(self, data: bytes, timeout: float) -> None:
        """Send bytes, or raise LinkLost when the line takes none for so long."""
        while data:
            _, ready, _ = select.select([], [self._fd], [], max(timeout, 0.0))
            if not ready:
                raise LinkLost(f"the line {self.name} takes no more bytes: nobody reads them")
            try:
                data = data[os.write(self._fd, data[:PIECE]) :]
            except OSError as error:
                raise LinkLost(f"the line {self.name} broke: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the line; a descriptor that was lent stays open."""
        if self._owned and self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


class SerialPort:
    """A serial port, by pyserial."""

    def __init__(self, device: str) -> None:
        self.name = device
        try:
            self._port = serial.Serial(device, BAUD, exclusive=True)
        except serial.SerialException as error:
            raise LinkLost(f"the serial port {device} cannot be opened: {error}") from error

    def read(self, timeout: float) -> bytes:
        """Return what has come, waiting for it; nothing when the time is over."""
        self._port.timeout = max(timeout, 0.0)
        try:
            first = self._port.read(1)
            return first + self._port.read(self._port.in_waiting) if first else b""
        except (serial.SerialException, OSError) as error:
            raise LinkLost(f"the serial port {self.name} broke: {error}") from error

    def write(self, data: bytes, timeout: float) -> None:
        """Send bytes, or raise LinkLost when the line takes none for so long."""
        self._port.write_timeout = timeout
        try:
            self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise LinkLost(f"the serial port {self.name} broke: {error}") from error

    def close(self) -> None:
        """Let go of the line."""
        self._port.close()


def _connect(family: socket.AddressFamily, address: object, name: str, timeout: float) -> Transport:
    """Wait until somebody listens there: an emulator opens its sockets after it has started."""
    end = time.monotonic() + timeout
    while True:
        connection = socket.socket(family)
        try:
            connection.connect(address)
            return Descriptor(connection.detach(), name, owned=True)
        except OSError as error:
            connection.close()
            waiting = isinstance(error, (ConnectionRefusedError, FileNotFoundError))
            if not waiting or time.monotonic() > end:
                raise LinkLost(f"nobody listens at {name}: {error.strerror}") from error
            time.sleep(0.01)


def open_line(where: str | int, timeout: float) -> Transport:
    """Open the line that `where` names."""
    if isinstance(where, int):
        return Descriptor(where, f"file descriptor {where}", owned=False)
    kind, _, rest = where.partition(":")
    if kind == "unix" and rest:
        return _connect(socket.AF_UNIX, rest, where, timeout)
    if kind == "tcp":
        host, _, port = rest.rpartition(":")
        if host and port.isdigit():
            return _connect(socket.AF_INET, (host, int(port)), where, timeout)
    if where.startswith("/"):
        return SerialPort(where)
    raise WrongArgument(f"{where!r} names no line: {KNOWN}")
