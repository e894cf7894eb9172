# Files in dom0: what the boot module holds, and what was sent after it over the link.
"""Send files to dom0, and know what it has."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyhv.errors import Failure, WrongArgument
from pyhv.show import Row, Shown

OVERHEAD = 100
"""What a message is longer than the part of a file in it: its names, its verb, its numbers."""
LINUX = "linux"

File = str | Path | bytes


class Files(Shown):
    """The files that domains can be made from: `send` adds one, which stays until `remove`."""

    def __init__(self, hv: Any) -> None:
        self._hv = hv

    def _told(self) -> list[dict[str, Any]]:
        return self._hv.ask("files")

    def _rows(self) -> list[Row]:
        return [{"Name": told["name"], "Bytes": told["bytes"]} for told in self._told()]

    def __iter__(self) -> Iterator[str]:
        return (told["name"] for told in self._told())

    def __len__(self) -> int:
        return len(self._told())

    def __contains__(self, name: object) -> bool:
        return any(name == told["name"] for told in self._told())

    def remove(self, name: str) -> None:
        """Let go of a file that was sent."""
        self._hv.ask("file.remove", name=name)

    def send(self, name: str, content: bytes) -> str:
        """Send a file, showing how far it is; return its name. Ctrl-C leaves none behind."""
        from tqdm import tqdm

        from pyhv.link.frames import crc32c

        size = self._hv.hello.limit - OVERHEAD
        self._hv.ask("file.begin", name=name, bytes=len(content))
        try:
            with tqdm(total=len(content), desc=f"to dom0: {name}", unit="B", unit_scale=True,
                      leave=False, delay=0.5) as bar:
                for at in range(0, len(content), size):
                    part = content[at:at + size]
                    self._hv.ask("file.write", offset=at, data=part)
                    bar.update(len(part))
            self._hv.ask("file.end", crc32c=crc32c(content))
        except BaseException:
            with suppress(Failure):
                self.remove(name)
            raise
        return name

    def name_of(self, file: File) -> str:
        """Return the name under which dom0 has a file; one that it lacks is sent.

        A text is the name of a file that dom0 has, or else a path here. The name of what was sent
        ends with the first digits of its SHA-256, so that nothing is sent twice.
        """
        if isinstance(file, str) and file in self:
            return file
        if isinstance(file, bytes):
            stem, content = "data", file
        else:
            path = Path(file)
            if not path.is_file():
                raise WrongArgument(f"there is no file {str(file)!r}, here or in dom0, which has: "
                                    f"{' '.join(self)}")
            stem, content = path.name, path.read_bytes()
        return self.send_once(stem, content)

    def send_once(self, stem: str, content: bytes) -> str:
        """Send a file unless the same bytes are there; return its name, which tells them apart."""
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}"
        return name if name in self else self.send(name, content)


def linux(files: Files) -> tuple[str, str]:
    """Return the names of Debian's cloud kernel and of busybox around it; send what is missing."""
    if "vmlinuz" in files and "initrd" in files:
        return "vmlinuz", "initrd"
    from pyhv import build

    kernel, initrd = build.linux_entries()
    return files.send_once(LINUX, kernel.data), files.send_once("initrd", initrd.data)
