# A guest's console on this terminal, key by key.
"""Relay between standard input and output and a domain's console."""

import os
import select
import sys
import time

from pyhv.api.domain import GONE
from pyhv.linked.domain import LinkedDomain
from pyhv.terminal import RawTerminal

LEAVE = b"\x1d"
LOOK = 0.05
"""Seconds between two looks at what the guest said, while nothing is typed."""
SILENCE = 1.0
"""How long a guest may be silent after the end of what was piped in, before we leave."""
LONGEST = 5.0
"""And how long we stay with one that goes on talking."""
CHUNK = 1024


def _show(text: str, raw: bool) -> None:
    os.write(sys.stdout.fileno(), (text.replace("\n", "\r\n") if raw else text).encode())


def enter(domain: LinkedDomain) -> None:
    """Relay until Ctrl-], or until the domain is gone and its last words are read."""
    keyboard = sys.stdin.fileno()
    with RawTerminal(keyboard) as terminal:
        raw = terminal.is_terminal
        if raw:
            _show(f"[{domain.name}: Ctrl-] comes back]\n", raw)
        listening, heard_at, typed_at = True, time.monotonic(), time.monotonic()
        while True:
            said = domain.console.read()
            if said:
                _show(said, raw)
                heard_at = time.monotonic()
            elif domain._state_or_gone() == GONE:
                _show(f"\n{domain.name} is gone; these were its last words\n", raw)
                return
            if not listening and (time.monotonic() - heard_at > SILENCE
                                  or time.monotonic() - typed_at > LONGEST):
                return
            if not select.select([keyboard] if listening else [], [], [], LOOK)[0]:
                continue
            typed = os.read(keyboard, CHUNK)
            listening, heard_at, typed_at = bool(typed), time.monotonic(), time.monotonic()
            text, leave, _ = typed.partition(LEAVE)
            domain.console.write(text)
            if leave:
                _show("\n", raw)
                return
