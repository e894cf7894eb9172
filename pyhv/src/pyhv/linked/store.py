# The store that dom0 keeps for all domains, as a mapping of paths to values.
"""The store over the link."""

from typing import Any

from pyhv.errors import Failure, Refused
from pyhv.show import Row, Shown


class NoSuchPath(Failure, KeyError):
    """The store has no entry of that path."""

    __str__ = Failure.__str__


class Store(Shown):
    """Paths and values: `hv.store["/local/domain/1/name"]`, and what lies below with `list`."""

    def __init__(self, hv: Any, root: str = "/") -> None:
        self._hv = hv
        self._root = root

    def _ask(self, verb: str, path: str, **arguments: Any) -> Any:
        try:
            return self._hv.ask(f"store.{verb}", path=path, **arguments)
        except Refused as refused:
            if refused.error != "ENOENT":
                raise
            raise NoSuchPath(f"the store has no entry {path}") from refused

    def __getitem__(self, path: str) -> str:
        value = self._ask("read", path)
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def __setitem__(self, path: str, value: str) -> None:
        self._ask("write", path, value=value)

    def __delitem__(self, path: str) -> None:
        self._ask("remove", path)

    def __contains__(self, path: str) -> bool:
        try:
            self._ask("list", path)
        except NoSuchPath:
            return False
        return True

    def list(self, path: str = "/") -> "list[str]":
        """Return the names right below a path."""
        return self._ask("list", path)

    def below(self, path: str) -> "Store":
        """Return the part of the store that lies below a path."""
        if path not in self:
            raise NoSuchPath(f"the store has no entry {path}")
        return Store(self._hv, path)

    def _walk(self, path: str) -> "list[Row]":
        try:
            rows: list[Row] = [{"path": path, "value": self[path]}]
            names = self.list(path)
        except NoSuchPath:
            return []  # removed while it was read
        for name in sorted(names):
            rows += self._walk(f"{path.rstrip('/')}/{name}")
        return rows

    def _rows(self) -> "list[Row]":
        return self._walk(self._root)
