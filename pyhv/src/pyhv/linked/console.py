# A guest's console, read and typed at over the link.
"""The console of a domain."""

import re
from contextlib import suppress
from typing import Any

from pyhv.api.waiting import waiting
from pyhv.errors import NoSuchDomain, Refused, TookTooLong
from pyhv.linked.stream import Stream

AT_ONCE = 512
"""How many bytes are typed in one message; dom0 says how many of them the guest had room for."""


class Console:
    """What a domain says and is told. Reading consumes nothing for other readers.

    A reader that comes late begins with the oldest words that dom0 has kept.
    """

    def __init__(self, hv: Any, number: int, name: str) -> None:
        self._hv = hv
        self._number = number
        self.name = name
        self._stream = Stream(f"the console of {name}", self._fetch)

    def _fetch(self, cursor: int) -> dict[str, Any]:
        try:
            return self._hv.ask("console.read", domain=self._number, **{"from": cursor})
        except Refused:
            # Of those that are gone dom0 keeps the last words, by name, until another has it
            if self.name not in self._hv.domains:
                with suppress(Refused):
                    return self._hv.ask("console.read", domain=self.name, **{"from": cursor})
            return {"text": b"", "next": cursor}

    @property
    def text(self) -> str:
        """All that it said, as far as dom0 kept it."""
        return self._stream.text

    @property
    def lost(self) -> int:
        """How many bytes dom0 had to drop before they were read."""
        return self._stream.lost

    def read(self) -> str:
        """Return what it said since the last read or match; "" where it said nothing."""
        return self._stream.read()

    def write(self, text: str | bytes, timeout: float = 30.0) -> None:
        """Type text, a newline as the Return key; return when the guest's ring has taken it."""
        rest = text.encode() if isinstance(text, str) else text
        for _ in waiting(timeout):
            while rest:
                taken = self._hv.ask("console.write", domain=self._number,
                                     bytes=rest[:AT_ONCE])["taken"]
                rest = rest[taken:]
                if taken == 0:
                    break
            if not rest:
                return
        raise TookTooLong(f"waited {timeout:g} s for {self.name} to read what was typed; "
                          f"{len(rest)} bytes are left")

    def expect(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until it says what the regular expression describes, and read up to there.

        Raises TookTooLong with the end of what it said, and NoSuchDomain if it dies meanwhile.
        """
        return self._stream.expect(pattern, timeout, self._alive)

    def _alive(self) -> None:
        if self._number not in self._hv.domains:
            raise NoSuchDomain(f"{self.name} (d{self._number}) is gone; its console is silent"
                               f"{self._stream.tail()}")

    def ask(self, command: str, prompt: str, timeout: float = 30.0) -> str:
        """Type a line and return what is said between its echo and the prompt, a plain text."""
        self.read()
        self.write(command + "\n")
        answer = self.expect(rf"(?s){re.escape(command)}\n(.*?){re.escape(prompt)}", timeout)[1]
        return answer.strip("\n")

    def __repr__(self) -> str:
        lines = len(self._stream.text.splitlines())
        return f"<console of {self.name}: {lines} lines, {self.lost} bytes lost>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self._stream.text[-4000:])}</pre>"
