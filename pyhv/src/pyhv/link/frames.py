# The link's frames: a zero, a body without zeros (COBS) and its checksum, a zero.
r"""Write frames, and take a byte stream apart into frames and text.

>>> frame(bytes([1]) + b"hi").hex(" ")
'00 08 01 68 69 14 9f d9 c1 00'
>>> splitter = Splitter()
>>> splitter.feed(b"dom0> " + frame(bytes([1]) + b"hi") + b"list")
[Text(b'dom0> '), Body(b'\x01hi'), Text(b'list')]
"""

from dataclasses import dataclass

CHECKSUM_SIZE = 4
LONGEST_RUN = 254
# A reply's body at most; dom0 takes requests up to 4,096 bytes.
LONGEST_REPLY = 64 * 1024
# A frame's second byte is the body's first, its version: no letter that a console says.
LAST_VERSION = 7


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
        table.append(rest)
    return tuple(table)


_TABLE = _make_table()


def crc32c(data: bytes, before: int = 0) -> int:
    """Return the CRC-32C of bytes, going on from that of what came before them.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    rest = ~before & 0xFFFFFFFF
    for byte in data:
        rest = rest >> 8 ^ _TABLE[(rest ^ byte) & 0xFF]
    return ~rest & 0xFFFFFFFF


def stuff(data: bytes) -> bytes:
    """Rewrite bytes without zeros: COBS.

    >>> stuff(b"ab" + bytes(1) + b"c").hex(" ")
    '03 61 62 02 63'
    """
    out = bytearray()
    at = 0
    while True:
        end = data.find(b"\0", at, at + LONGEST_RUN)
        run = data[at : end if end >= 0 else at + LONGEST_RUN]
        out.append(len(run) + 1)
        out += run
        at += len(run)
        if at == len(data):
            return bytes(out)
        at += len(run) < LONGEST_RUN


def unstuff(data: bytes) -> bytes | None:
    """Undo `stuff`; None for what it never wrote."""
    out = bytearray()
    at = 0
    while at < len(data):
        run = data[at]
        if run == 0 or at + run > len(data):
            return None
        out += data[at + 1 : at + run]
        at += run
        if run <= LONGEST_RUN and at < len(data):
            out.append(0)
    return bytes(out)


def frame(body: bytes) -> bytes:
    """Return the frame that carries a body."""
    return b"\0" + stuff(body + crc32c(body).to_bytes(CHECKSUM_SIZE, "little")) + b"\0"


@dataclass(frozen=True)
class Text:
    """What stood between frames: a console's words."""

    data: bytes

    def __repr__(self) -> str:
        return f"Text({self.data!r})"


@dataclass(frozen=True)
class Body:
    """What a frame carried."""

    data: bytes

    def __repr__(self) -> str:
        return f"Body({self.data!r})"


class Splitter:
    """Takes a byte stream apart, in pieces of any size, and finds its place after any damage.

    Each zero may end one frame and begin the next; what does not begin as a frame does is text.
    `damaged` counts the frames that came damaged or too long. On COM1 the hypervisor writes a
    carriage return before each newline, in frames as well: `returns` takes it out of those.
    """

    def __init__(self, *, returns: bool = False, longest: int = LONGEST_REPLY) -> None:
        self.returns = returns
        self.damaged = 0
        body = longest + CHECKSUM_SIZE
        self._longest = (body + body // LONGEST_RUN + 1) * (2 if returns else 1)
        self._inside = False
        self._part = bytearray()

    def feed(self, data: bytes) -> list[Text | Body]:
        """Take the next bytes; return what they complete, in order."""
        found: list[Text | Body] = []
        while data:
            here, zero, data = data.partition(b"\0")
            if not self._inside:
                if here:
                    found.append(Text(here))
            else:
                self._take_part(here, found)
            if zero:
                body = self._finish() if self._inside else None
                self._inside = body is None
                if body is not None:
                    found.append(Body(body))
        return found

    def _take_part(self, here: bytes, found: list[Text | Body]) -> None:
        """Add to the frame that may be coming in, or find that it is text."""
        self._part += here
        start = self._as_sent(bytes(self._part[:3]))
        if len(start) >= 2 and start[1] > LAST_VERSION:
            found.append(Text(bytes(self._part)))
            self._part.clear()
            self._inside = False
        elif len(self._part) > self._longest:
            # No frame is so long: keep the fact, not the bytes.
            del self._part[self._longest + 1 :]

    def _as_sent(self, part: bytes) -> bytes:
        return part.replace(b"\r\n", b"\n") if self.returns else part

    def _finish(self) -> bytes | None:
        """A zero has come where a frame may end: return its body, or None."""
        part = bytes(self._part)
        self._part.clear()
        if not part:
            return None
        whole = unstuff(self._as_sent(part)) if len(part) <= self._longest else None
        if whole is not None and len(whole) > CHECKSUM_SIZE:
            body, sum_ = whole[:-CHECKSUM_SIZE], whole[-CHECKSUM_SIZE:]
            if crc32c(body) == int.from_bytes(sum_, "little"):
                return body
        self.damaged += 1
        return None
