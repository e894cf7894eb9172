# Archives in cpio's "newc" format, the same bytes for the same contents.
"""Write and list cpio archives (newc), reproducibly: no clock, owner or inode enters them."""

import stat
from collections.abc import Iterable
from dataclasses import dataclass

MAGIC = b"070701"
HEADER_SIZE = 110
TRAILER = "TRAILER!!!"


@dataclass(frozen=True)
class Entry:
    """One file, directory, link or device of an archive. `mode` is as in stat(2)."""

    name: str
    data: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    device: tuple[int, int] = (0, 0)


def directory(name: str) -> Entry:
    """Make an entry for a directory."""
    return Entry(name, mode=stat.S_IFDIR | 0o755)


def program(name: str, data: bytes) -> Entry:
    """Make an entry for an executable file."""
    return Entry(name, data, stat.S_IFREG | 0o755)


def link(name: str, target: str) -> Entry:
    """Make an entry for a symbolic link."""
    return Entry(name, target.encode(), stat.S_IFLNK | 0o777)


def _padding(length: int) -> bytes:
    return b"\0" * (-length % 4)


def _packed(entry: Entry, inode: int) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    header = MAGIC + b"".join(b"%08X" % field for field in fields) + name
    return header + _padding(len(header)) + entry.data + _padding(len(entry.data))


def pack(entries: Iterable[Entry]) -> bytes:
    """Return the archive that holds `entries` in the order given."""
    body = b"".join(_packed(entry, inode) for inode, entry in enumerate(entries, start=1))
    archive = body + _packed(Entry(TRAILER, mode=0), 0)
    return archive + b"\0" * (-len(archive) % 512)


def names(archive: bytes) -> list[str]:
    """Return the names in an archive, or raise ValueError where it is not one."""
    found, at = [], 0
    while True:
        header = archive[at : at + HEADER_SIZE]
        if len(header) < HEADER_SIZE or header[:6] != MAGIC:
            raise ValueError(f"no newc header at offset {at}")
        size, name_size = int(header[54:62], 16), int(header[94:102], 16)
        name = archive[at + HEADER_SIZE : at + HEADER_SIZE + name_size - 1].decode()
        if name == TRAILER:
            return found
        found.append(name)
        at += HEADER_SIZE + name_size
        at += -at % 4 + size
        at += -at % 4
