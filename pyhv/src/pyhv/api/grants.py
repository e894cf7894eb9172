# Who promised which page to whom, and who holds it now: grant tables as their guests wrote them.
"""Promises: the entries of grant tables that are in use."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from struct import Struct

from pyhv.show import Row, Shown

ENTRY = Struct("<HHI")
"""grant_entry_v1_t: flags, to whom, the page's frame number."""
ENTRY_2 = Struct("<HHHHQ")
"""grant_entry_v2_t: flags, to whom; of a part where it begins and its bytes; the frame."""
STATUS = Struct("<H")
KIND, READ_ONLY, READING, WRITING, SUB_PAGE = 0x3, 0x4, 0x8, 0x10, 0x100
KINDS = ("taken back", "page", "transfer", "passed on")


@dataclass(frozen=True)
class Grant:
    """One promise: `owner` lets `grantee` have the page `frame` of its own, by reference `ref`.

    `reading` and `writing` are the hypervisor's marks: somebody has the page right now. `kind` is
    "page", or "part" of one, or another's promise "passed on", or a "transfer"; and "taken back"
    where the guest took its word back while the page is still held.
    """

    owner: int
    ref: int
    grantee: int
    frame: int
    writable: bool
    kind: str
    reading: bool = False
    writing: bool = False

    @property
    def held(self) -> str:
        """How it is held right now: "rw", "ro", or "" where nobody has the page."""
        return "rw" if self.writing else "ro" if self.reading else ""

    def row(self) -> Row:
        """Return its line in a table."""
        return {"owner": self.owner, "ref": self.ref, "grantee": self.grantee,
                "frame": f"{self.frame:#x}", "access": "rw" if self.writable else "ro",
                "kind": self.kind, "held": self.held}

    def __str__(self) -> str:
        how = f"held {self.held}" if self.held else "held by nobody"
        return (f"d{self.owner}'s reference {self.ref}: page {self.frame:#x} for d{self.grantee}, "
                f"{'rw' if self.writable else 'ro'}, {how}")


def decode(owner: int, version: int, first: int, entries: bytes, status: bytes) -> list[Grant]:
    """Return the promises in use in one frame of a table, whose first reference is `first`.

    In version 2 the marks lie apart, in `status`.

    >>> table = bytes(8 * 8) + bytes.fromhex("1900 0200 0ac40400")
    >>> for grant in decode(1, 1, 0, table, b""):
    ...     print(grant)
    d1's reference 8: page 0x4c40a for d2, rw, held rw
    """
    return list(_first(owner, first, entries) if version == 1
                else _second(owner, first, entries, status))


def _first(owner: int, first: int, entries: bytes) -> Iterator[Grant]:
    for ref, (flags, grantee, frame) in enumerate(ENTRY.iter_unpack(entries), first):
        if flags & (KIND | READING | WRITING):
            yield _grant(owner, ref, flags, grantee, frame, flags)


def _second(owner: int, first: int, entries: bytes, status: bytes) -> Iterator[Grant]:
    marks = (mark for mark, in STATUS.iter_unpack(status))
    both = zip_longest(ENTRY_2.iter_unpack(entries), marks, fillvalue=0)
    for ref, ((flags, grantee, _, _, frame), mark) in enumerate(both, first):
        if flags & KIND or mark & (READING | WRITING):
            yield _grant(owner, ref, flags, grantee, frame, mark)


def _grant(owner: int, ref: int, flags: int, grantee: int, frame: int, mark: int) -> Grant:
    kind = "part" if flags & KIND == 1 and flags & SUB_PAGE else KINDS[flags & KIND]
    return Grant(owner, ref, grantee, frame, not flags & READ_ONLY, kind, bool(mark & READING),
                 bool(mark & WRITING))


class Grants(Shown):
    """Promises, in the order of their owners and references.

    >>> Grants([Grant(1, 8, 2, 0x4c40a, True, "page"), Grant(1, 42, 0, 7, False, "page", True)])
    owner  ref  grantee  frame    access  kind  held
        1    8        2  0x4c40a  rw      page
        1   42        0  0x7      ro      page  ro
    """

    def __init__(self, grants: list[Grant]) -> None:
        self._grants = grants

    @property
    def held(self) -> "Grants":
        """Those whose page somebody has right now."""
        return Grants([grant for grant in self._grants if grant.held])

    def to(self, domain: int) -> "Grants":
        """Return those that were made to that domain."""
        return Grants([grant for grant in self._grants if grant.grantee == domain])

    def by_ref(self, ref: int) -> Grant | None:
        """Return the first of that reference, if there is one."""
        return next((grant for grant in self._grants if grant.ref == ref), None)

    def _rows(self) -> list[Row]:
        return [grant.row() for grant in self._grants]

    def __iter__(self) -> Iterator[Grant]:
        return iter(self._grants)

    def __len__(self) -> int:
        return len(self._grants)

    def __getitem__(self, index: int) -> Grant:
        return self._grants[index]
