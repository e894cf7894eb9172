# The far end of a link, in Python: hands on to dom0 what any number of clients ask.
"""Answer clients on a socket, in the link's own messages.

dom0 hears one client; a machine in the background has one, its keeper, which lets everybody else
in. Reading is by cursors that each client keeps, so that none takes anything from another.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cbor2

from pyhv.errors import Failure, LinkRestarted, Refused
from pyhv.link.frames import Body, Splitter, frame

VERSION = 1
CHUNK = 65536

Perform = Callable[..., Any]
"""Does a verb with its arguments, as Link.call does."""


class Server:
    """Listens while it is entered. `hello` is what a client that introduces itself is told."""

    def __init__(self, path: Path, perform: Perform, hello: Callable[[], dict[str, Any]]) -> None:
        self._path = path
        self._perform = perform
        self._hello = hello
        self._clients: set[socket.socket] = set()
        self._one_at_a_time = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> "Server":
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        splitter = Splitter()
        last_id, last_reply = -1, b""
        boot = None  # of the dom0 that the client knows
        self._clients.add(client)
        with client, suppress(OSError):
            while heard := client.recv(CHUNK):
                for part in splitter.feed(heard):
                    if not isinstance(part, Body) or (request := _read(part.data)) is None:
                        continue
                    if request["id"] != last_id:
                        last_id = request["id"]
                        boot = self._hello()["boot"] if request["do"] == "hello" else boot
                        last_reply = _write(self._answer(request, boot))
                    client.sendall(last_reply)
        self._clients.discard(client)

    def _answer(self, request: dict[str, Any], boot: int | None) -> dict[str, Any]:
        number, verb = request.pop("id"), request.pop("do")
        request.pop("session", None)
        if verb == "hello":
            return {"id": number, "ok": self._hello()}
        anew = {"id": number, "error": {"name": "hello", "says": "dom0 has started anew"}}
        try:
            with self._one_at_a_time:
                if boot != self._hello()["boot"]:
                    return anew
                return {"id": number, "ok": self._perform(verb, **request)}
        except LinkRestarted:
            return anew
        except Refused as refused:
            return {"id": number, "error": {"name": refused.error, "says": refused.reason}}
        except Failure as failure:
            return {"id": number, "error": {"name": "EIO", "says": failure.reason}}
        except TypeError as wrong:
            return {"id": number, "error": {"name": "EINVAL", "says": str(wrong)}}


def _read(body: bytes) -> dict[str, Any] | None:
    """Return a request, or None for what is none."""
    if body[:1] != bytes([VERSION]):
        return None
    with suppress(cbor2.CBORDecodeError, ValueError, TypeError):
        request = cbor2.loads(body[1:])
        if isinstance(request, dict) and isinstance(request.get("do"), str) \
                and isinstance(request.get("id"), int) and all(isinstance(k, str) for k in request):
            return request
    return None


def _write(reply: dict[str, Any]) -> bytes:
    return frame(bytes([VERSION]) + cbor2.dumps(reply))
