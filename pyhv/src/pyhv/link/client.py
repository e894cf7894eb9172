# The link's client: requests, replies, repeats.
"""Ask dom0, and ask again until it has answered."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import cbor2

from pyhv.errors import LinkLost, LinkRestarted, LinkTaken, LinkVersion, Refused, WrongArgument
from pyhv.link.frames import Body, Splitter, Text, frame
from pyhv.link.transports import Transport, open_line
from pyhv.speed import scaled

VERSION = 1
LONGEST_REQUEST = 4096
# Seconds until a request is repeated for the first time, on a line that has not shown to be slower;
# from then on twice as many each time.
PATIENCE = 1.0


@dataclass(frozen=True)
class Hello:
    """What dom0 says of itself when a client begins."""

    version: int
    boot: int
    build: str
    limit: int
    chapters: tuple[str, ...]
    engine: str


class Link:
    """A session with dom0; a context manager.

    A call that is interrupted, by Ctrl-C or an exception in a callback, leaves the link usable:
    the reply that it did not wait for is recognised by its number, and dropped.
    """

    def __init__(
        self, line: Transport, *, timeout: float = 30.0,
        text: Callable[[bytes], None] | None = None,
    ) -> None:
        """Begin a session over `line`; use `open` where a line is yet to be opened.

        `text` makes it a line that carries a console as well, COM1: what stands between frames is
        handed to it. `timeout` is how long a call may take, in seconds on the reference machine.
        """
        self._line = line
        self._text = text
        self._timeout = scaled(timeout)
        self._splitter = Splitter(returns=text is not None)
        self._lock = threading.RLock()
        self._id = 0
        self._session = 0
        self.repeated = 0
        self._patience = scaled(PATIENCE)
        self.hello = self.reconnect()

    @classmethod
    def open(
        cls, where: str | int, *, timeout: float = 30.0,
        text: Callable[[bytes], None] | None = None,
    ) -> "Link":
        """Open the line that `where` names: unix:PATH, tcp:HOST:PORT, a device, a descriptor."""
        line = open_line(where, scaled(timeout))
        try:
            return cls(line, timeout=timeout, text=text)
        except BaseException:
            line.close()
            raise

    # Asking.

    def call(self, verb: str, /, *, timeout: float | None = None, **arguments: Any) -> Any:
        """Have dom0 do `verb`, once, and return its answer.

        A request or a reply that is lost on the way is repeated, and dom0 knows a repeat from a new
        request. Raises Refused with Xen's name for why not, LinkLost when no answer comes in time,
        LinkTaken when another client has said hello since, LinkRestarted when dom0 has started
        anew: then `reconnect` begins again.
        """
        limit = self._timeout if timeout is None else scaled(timeout)
        with self._lock:
            self._id += 1
            request = {"id": self._id, "session": self._session, "do": verb, **arguments}
            body = bytes([VERSION]) + cbor2.dumps(request)
            if len(body) > LONGEST_REQUEST:
                raise WrongArgument(
                    f"the request {verb!r} is {len(body)} bytes long: {LONGEST_REQUEST} is the most"
                )
            reply = self._ask(frame(body), verb, limit)
        return self._open_reply(reply)

    def reconnect(self) -> Hello:
        """Begin a new session, after LinkTaken or LinkRestarted; returns what dom0 says then."""
        with self._lock:
            self._session = secrets.randbits(64)
            # What a session before this one has asked may be answered yet: to no number of ours
            self._id = secrets.randbits(48)
            facts = self.call("hello")
        known = {name: facts.get(name) for name in ("version", "boot", "build", "limit", "engine")}
        self.hello = Hello(**known, chapters=tuple(facts.get("chapters", ())))
        return self.hello

    def _ask(self, request: bytes, verb: str, limit: float) -> dict[str, Any]:
        """Send a request until its reply has come, or the time is over."""
        begun = time.monotonic()
        end = begun + limit
        patience = self._patience
        while (now := time.monotonic()) < end:
            self._line.write(request, end - now)
            reply = self._wait(min(end, time.monotonic() + patience))
            if reply is not None:
                self._patience = max(scaled(PATIENCE), 2 * (time.monotonic() - begun))
                return reply
            patience *= 2
            self.repeated += 1
        raise LinkLost(
            f"dom0 did not answer {verb!r} within {limit:.0f} s over {self._line.name}: "
            "is it the right line, and is dom0 alive?"
        )

    def _wait(self, until: float) -> dict[str, Any] | None:
        """Return the reply to the last request, or None when it has not come by then."""
        while (left := until - time.monotonic()) > 0:
            for body in self._bodies(left):
                reply = self._decode(body)
                if reply is not None:
                    return reply
        return None

    def _bodies(self, timeout: float) -> list[bytes]:
        """Read once; hand text to its listener, and return the frames' bodies."""
        found = self._splitter.feed(self._line.read(timeout))
        for each in found:
            if self._text and isinstance(each, Text):
                self._text(each.data)
        return [each.data for each in found if isinstance(each, Body)]

    def _decode(self, body: bytes) -> dict[str, Any] | None:
        """Return a reply if it is one to the last request."""
        if body[0] != VERSION:
            raise LinkVersion(ours=VERSION, theirs=body[0])
        try:
            reply = cbor2.loads(body[1:], str_errors="replace")
        except (cbor2.CBORDecodeError, UnicodeDecodeError):
            return None
        is_ours = isinstance(reply, dict) and reply.get("id") == self._id
        return reply if is_ours else None

    def _open_reply(self, reply: dict[str, Any]) -> Any:
        if "error" not in reply:
            return reply.get("ok")
        name, says = reply["error"]["name"], reply["error"]["says"]
        if name == "taken":
            raise LinkTaken(f"{says}: reconnect() takes it back")
        if name == "hello":
            raise LinkRestarted("dom0 has started anew: reconnect() begins a new session")
        raise Refused(says, name)

    def listen(self, timeout: float = 0.0) -> None:
        """On a line that carries a console as well: hand over what has been said since."""
        with self._lock:
            self._bodies(timeout)  # a reply that comes now is one that nobody waits for any more

    @property
    def damaged(self) -> int:
        """How many frames came damaged."""
        return self._splitter.damaged

    # Ending.

    def close(self) -> None:
        """Let go of the line. What dom0 does goes on."""
        self._line.close()

    def __enter__(self) -> "Link":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Link over {self._line.name}: {self.hello.engine}, {self.hello.build}>"
