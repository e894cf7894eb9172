# The folder of a recorded experiment, which holds what was written also when the disk fills up.
"""Keep a record: record.json, the scenario, the trace, the log."""

import errno
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyhv.errors import Failure

FORMAT = 1


class Folder:
    """Where one experiment is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "record.json"
        self.trace = path / "trace.jsonl"
        self.log = path / "log.txt"

    def begin(self) -> None:
        """Make the folder. Raises Failure where there is something in it."""
        if self.path.exists() and any(self.path.iterdir()):
            raise Failure(f"{self.path} is not empty: an experiment is kept in a folder of its own")
        self.path.mkdir(parents=True, exist_ok=True)

    def note(self, record: dict[str, Any]) -> None:
        """Write the record anew: the old one stays until the new one is whole."""
        partial = self.record.with_suffix(".partial")
        with self.full_disk_is_told():
            partial.write_text(json.dumps({"format": FORMAT, **record}, indent=2) + "\n")
            partial.rename(self.record)

    def read(self) -> dict[str, Any]:
        """Return the record. Raises Failure where there is none that can be read."""
        try:
            record = json.loads(self.record.read_text())
        except (FileNotFoundError, NotADirectoryError):
            raise Failure(f"{self.path} holds no record.json: hv record {self.path} makes one"
                          ) from None
        except json.JSONDecodeError:
            raise Failure(f"{self.record} is damaged") from None
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise Failure(f"{self.record} is not of format {FORMAT}: another version wrote it")
        return record

    def write_trace(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write events, one a line, as they come."""
        with self.full_disk_is_told(), self.trace.open("w", buffering=1) as file:
            for row in rows:
                file.write(json.dumps(row) + "\n")

    def write_log(self, text: str) -> None:
        """Write what the machine said."""
        with self.full_disk_is_told():
            self.log.write_text(text)

    @contextmanager
    def full_disk_is_told(self) -> Iterator[None]:
        """Turn the error of a full disk into one line."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Failure(f"the disk is full: {self.path} keeps what was recorded until then"
                          ) from error
