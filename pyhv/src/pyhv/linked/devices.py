# What a toolstack writes into the store so that two domains have a device between them.
"""Devices between two domains, as `xl` makes them: two directories, each readable by the other."""

from typing import Any, NamedTuple

from pyhv.errors import Failure
from pyhv.linked.visitor import ERROR, Message, Visitor

BEGIN, END, WRITE, REMOVE, PERMIT = 6, 7, 11, 13, 14


class Device(NamedTuple):
    """A device of some kind between a front and a back, by the numbers of their domains.

    >>> Device("letters", 1, 2).front_home
    '/local/domain/1/device/letters/0'
    >>> Device("letters", 1, 2).back_home
    '/local/domain/2/backend/letters/1/0'
    """

    kind: str
    front: int
    back: int
    number: int = 0

    @property
    def front_home(self) -> str:
        """The directory of the front's end."""
        return f"/local/domain/{self.front}/device/{self.kind}/{self.number}"

    @property
    def back_home(self) -> str:
        """The directory of the back's end."""
        return f"/local/domain/{self.back}/backend/{self.kind}/{self.front}/{self.number}"


class _Hand:
    """dom0's hand in the store, for one change that others see as a whole."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._request = 0
        self._transaction = 0

    def _ask(self, kind: int, *texts: str) -> bytes:
        self._request += 1
        # A value goes over the wire without the zero byte that ends a text
        end = "" if kind == WRITE else "\0"
        payload = ("\0".join(texts) + end).encode()
        answer, _ = Message.first(self._visitor.talk(
            Message(kind, self._request, self._transaction, payload).packed()))
        assert answer is not None and answer.request == self._request
        if answer.kind == ERROR:
            raise Failure(f"the store refuses {texts[0] or 'a transaction'!r}: "
                          f"{answer.payload.decode().rstrip(chr(0))}")
        return answer.payload

    def __enter__(self) -> "_Hand":
        self._transaction = int(self._ask(BEGIN, "").rstrip(b"\0"))
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._ask(END, "F" if kind else "T")

    def own(self, path: str, owner: int, reader: int | None = None) -> None:
        """Make a directory that one domain owns, and another may read."""
        self._ask(WRITE, path, "")
        readers = [] if reader is None else [f"r{reader}"]
        self._ask(PERMIT, path, f"n{owner}", *readers)

    def write(self, home: str, **entries: str | int) -> None:
        """Write entries of a directory; they have its permissions."""
        for name, value in entries.items():
            self._ask(WRITE, f"{home}/{name.replace('_', '-')}", str(value))

    def remove(self, path: str) -> None:
        """Remove a directory; one whose domain is gone is gone with it."""
        self._ask(REMOVE, path)


def attach(hv: Any, device: Device) -> None:
    """Make a device between two domains, both ends of which begin."""
    with Visitor(hv) as visitor, _Hand(visitor) as hand:
        if f"/local/domain/{device.back}/backend" not in hv.store:
            hand.own(f"/local/domain/{device.back}/backend", device.back)
        hand.own(device.front_home, device.front, device.back)
        hand.own(device.back_home, device.back, device.front)
        hand.write(device.front_home, backend=device.back_home, backend_id=device.back, state=1)
        hand.write(device.back_home, frontend=device.front_home, frontend_id=device.front,
                   state=1)


def detach(hv: Any, device: Device) -> None:
    """Remove what is left of a device's directories."""
    with Visitor(hv) as visitor, _Hand(visitor) as hand:
        for home in (device.front_home, device.back_home):
            if home in hv.store:
                hand.remove(home)
