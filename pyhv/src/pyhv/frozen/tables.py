# Tables of what a stopped machine has: rows that were read, and things that have a row each.
"""Tables, and numbered things that show themselves as one."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from pyhv.show import Row, Shown


class HasRow(Protocol):
    """What knows its line in a table."""

    def row(self) -> Row:
        """Return that line."""


Thing = TypeVar("Thing", bound=HasRow)


class Table(Shown):
    """Rows that were read, in the order in which they stand."""

    def __init__(self, rows: list[Row]) -> None:
        self._all = rows

    def _rows(self) -> list[Row]:
        return self._all

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._all)

    def __getitem__(self, index: int) -> Row:
        return self._all[index]


class Numbered(Shown, Generic[Thing]):
    """Things by their numbers, from 0 on: pCPUs, a domain's vCPUs."""

    def __init__(self, things: list[Thing]) -> None:
        self._things = things

    def _rows(self) -> list[Row]:
        return [thing.row() for thing in self._things]

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[Thing]:
        return iter(self._things)

    def __getitem__(self, number: int) -> Thing:
        return self._things[number]
