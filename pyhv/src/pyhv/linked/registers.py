# A vCPU's registers, as a table and by name.
"""Registers as dom0 reads them out of a saved context."""

from collections.abc import Iterator, Mapping

from pyhv.show import Row, Shown


class Registers(Shown, Mapping[str, int]):
    """Registers by name: `registers["rip"]`, `registers.rip`.

    >>> Registers("web v0", {"rip": 0x1000, "rflags": 2})
    register   value
    rip       0x1000
    rflags       0x2
    """

    def __init__(self, whose: str, values: Mapping[str, int]) -> None:
        self.whose = whose
        self._values = dict(values)

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            known = " ".join(self.__dict__.get("_values", {}))
            raise AttributeError(f"no register {name!r}; there are: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _rows(self) -> list[Row]:
        width = max((len(f"{value:#x}") for value in self._values.values()), default=0)
        return [{"register": name, "value": f"{value:#x}".rjust(width)}
                for name, value in self._values.items()]
