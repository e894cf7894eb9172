# The store's own protocol over the link: for programs that speak it, and to wait for changes.
"""A visitor of the store, and a socket at which programs of this computer visit it."""

import secrets
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pyhv.errors import Failure, Refused, WrongArgument
from pyhv.linked.files import OVERHEAD

HEADER = struct.Struct("<4I")
"""A message's type, its number, its transaction's, and the bytes that follow (xen/io/xs_wire.h)."""
WATCH, WATCH_EVENT, ERROR = 4, 15, 16
LOOK = 0.1
"""Seconds between two looks whether something is owed: dom0 speaks only when it is asked."""
ALONE = 1.0
"""Seconds between two looks whether the machine is still up, while there is no visitor to tell."""
PATIENCE = 5.0
"""Seconds for a program to read what it is sent."""
AT_ONCE = 4096


class Message(NamedTuple):
    """One message of the store's protocol.

    >>> Message.first(Message(4, 1, 0, b"/tool").packed() + b"more")
    (Message(kind=4, request=1, transaction=0, payload=b'/tool'), b'more')
    """

    kind: int
    request: int
    transaction: int
    payload: bytes

    def packed(self) -> bytes:
        """Return its bytes on the wire."""
        head = HEADER.pack(self.kind, self.request, self.transaction, len(self.payload))
        return head + self.payload

    @classmethod
    def first(cls, data: bytes) -> "tuple[Message | None, bytes]":
        """Return the first whole message of some bytes, and the rest."""
        if len(data) < HEADER.size:
            return None, data
        kind, request, transaction, size = HEADER.unpack_from(data)
        end = HEADER.size + size
        if len(data) < end:
            return None, data
        return cls(kind, request, transaction, data[HEADER.size:end]), data[end:]


class Visitor:
    """A client of the store who may what dom0 may; a context manager."""

    def __init__(self, hv: Any) -> None:
        self._hv = hv
        self._number = secrets.randbits(32)

    def talk(self, data: bytes = b"") -> bytes:
        """Send bytes of the protocol, cut anywhere; return those that the store owes."""
        owed = b""
        room = self._hv.hello.limit - OVERHEAD
        for at in range(0, max(1, len(data)), room):
            owed += self._hv.ask("store.talk", visitor=self._number, data=data[at:at + room])
        return owed

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Failure):
            self._hv.ask("store.leave", visitor=self._number)


def watch(hv: Any, path: str) -> Iterator[str]:
    """Yield the path of each entry that changes at `path` or below, for ever; first `path` itself.

    Raises WrongArgument for what is no path of the store.
    """
    with Visitor(hv) as visitor:
        data = visitor.talk(Message(WATCH, 0, 0, f"{path}\0hv\0".encode()).packed())
        while True:
            message, data = Message.first(data)
            if message is None:
                time.sleep(0 if (news := visitor.talk()) else LOOK)
                data += news
            elif message.kind == ERROR:
                raise WrongArgument(f"{path!r} cannot be watched: a path begins with /, has no "
                                    "empty step, and its letters are a-z A-Z 0-9 - / _ @")
            elif message.kind == WATCH_EVENT:
                yield message.payload.split(b"\0")[0].decode(errors="replace")


class Door:
    """A UNIX socket at which programs speak the store's protocol, each a visitor of its own."""

    def __init__(self, hv: Any, path: Path) -> None:
        self._hv = hv
        self._path = path
        self._visitors: dict[socket.socket, Visitor] = {}
        self._selector = selectors.DefaultSelector()

    def serve(self, opened: Callable[[], object] = lambda: None) -> None:
        """Let them in until Ctrl-C; `opened` is called once they can come."""
        with socket.socket(socket.AF_UNIX) as door:
            try:
                door.bind(str(self._path))
            except OSError as error:
                raise Failure(f"no socket can be made at {self._path}: {error.strerror}: name a "
                              "path where nothing is yet") from None
            try:
                door.listen()
                self._selector.register(door, selectors.EVENT_READ)
                opened()
                while True:
                    self._look(door)
            finally:
                for program in list(self._visitors):
                    self._see_off(program)
                self._path.unlink(missing_ok=True)

    def _look(self, door: socket.socket) -> None:
        """Serve whoever has something to say, then whoever is owed something."""
        for key, _ in self._selector.select(LOOK if self._visitors else ALONE):
            if key.fileobj is door:
                program, _ = door.accept()
                program.settimeout(PATIENCE)
                self._visitors[program] = Visitor(self._hv)
                self._selector.register(program, selectors.EVENT_READ)
            elif isinstance(key.fileobj, socket.socket):
                self._hear(key.fileobj)
        if not self._visitors:
            self._hv.ask("info")
        for program in list(self._visitors):
            self._pass_on(program, b"")

    def _hear(self, program: socket.socket) -> None:
        try:
            data = program.recv(AT_ONCE)
        except OSError:
            data = b""
        if data:
            self._pass_on(program, data)
        else:
            self._see_off(program)

    def _pass_on(self, program: socket.socket, data: bytes) -> None:
        try:
            if owed := self._visitors[program].talk(data):
                program.sendall(owed)
        except (OSError, Refused):  # it is gone, or has sent what is no message
            self._see_off(program)

    def _see_off(self, program: socket.socket) -> None:
        self._selector.unregister(program)
        self._visitors.pop(program).__exit__()
        program.close()
