# Text that dom0 keeps and this side reads by a cursor: a guest's console, the hypervisor's log.
"""A stream that is read from where one stands, and waited on by what it says."""

import codecs
import re
from collections.abc import Callable

from pyhv.api.waiting import waiting
from pyhv.errors import TookTooLong

SHOWN_TAIL = 400
MOST_PULLS = 16
"""More messages than dom0 keeps text for: who never stops speaking keeps nobody here for ever."""

Fetch = Callable[[int], dict]


class Stream:
    """Everything said since the beginning, as far as dom0 kept it; `lost` counts the other bytes.

    `what` names it in errors. `fetch` asks dom0 for what comes from a cursor on.
    """

    def __init__(self, what: str, fetch: Fetch) -> None:
        self.what = what
        self.lost = 0
        self._fetch = fetch
        self._cursor = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._heard = ""
        self._read_to = 0

    def pull(self) -> bool:
        """Fetch what is new. True: there was some."""
        news = self._fetch(self._cursor)
        self._cursor = news["next"]
        self.lost += news.get("lost", 0)
        text = self._decoder.decode(news["text"])
        self._heard += text.replace("\r\n", "\n")
        return bool(news["text"])

    def _catch_up(self) -> None:
        for _ in range(MOST_PULLS):
            if not self.pull():
                return

    @property
    def text(self) -> str:
        """All that was said, read or not."""
        self._catch_up()
        return self._heard

    def read(self) -> str:
        """Return what was said since the last read, or the last match; maybe nothing."""
        self._catch_up()
        unread = self._heard[self._read_to:]
        self._read_to = len(self._heard)
        return unread

    def find(self, pattern: str) -> re.Match[str] | None:
        """Return the first match in what is unread, and read up to its end; None: there is none."""
        wanted = re.compile(pattern, re.M)
        for _ in range(MOST_PULLS):
            if match := wanted.search(self._heard, self._read_to):
                self._read_to = match.end()
                return match
            if not self.pull():
                return None
        return None

    def expect(self, pattern: str, timeout: float = 30.0,
               alive: Callable[[], None] | None = None) -> re.Match[str]:
        """Wait until the regular expression is found in what is unread; read up to its end.

        `alive` is asked in between, and raises where nothing will come any more. Raises
        TookTooLong, which says what was waited for and shows the end of what was said.
        """
        for _ in waiting(timeout):
            if match := self.find(pattern):
                return match
            if alive is not None:
                alive()
        raise TookTooLong(f"waited {timeout:g} s for {pattern!r} on {self.what}{self.tail()}")

    def tail(self) -> str:
        """Say what was said last, for an error."""
        last = self._heard[-SHOWN_TAIL:]
        return f"; it ends with {last!r}" if last else ", which has said nothing"
