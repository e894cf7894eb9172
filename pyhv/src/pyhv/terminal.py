# Connects the person's terminal to COM1.
"""Relay between standard input and output and a machine's serial line."""

import os
import select
import sys
import termios
import tty

from pyhv.emulator import Emulator
from pyhv.sentences import DOM0_PROMPT

CTRL_C = b"\x03"
CHUNK = 4096


class RawTerminal:
    """Puts a terminal in raw mode while it is entered; anything else is left as it is."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.is_terminal = os.isatty(fd)

    def __enter__(self) -> "RawTerminal":
        if self.is_terminal:
            self._saved = termios.tcgetattr(self.fd)
            tty.setraw(self.fd)
        return self

    def __exit__(self, *_: object) -> None:
        if self.is_terminal:
            termios.tcsetattr(self.fd, termios.TCSADRAIN, self._saved)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, CHUNK)
    except OSError:
        # A pseudo-terminal whose other side is gone.
        return b""


def connect(emulator: Emulator) -> None:
    """Relay both ways until the machine is off or the person types Ctrl-C.

    What is piped in waits for dom0's first prompt, and its end does not end the machine.
    """
    keyboard, serial = sys.stdin.fileno(), emulator.serial_fd
    heard = b""
    with RawTerminal(keyboard) as terminal:
        listening = terminal.is_terminal
        keyboard_ended = False
        while True:
            sources = [serial] + ([keyboard] if listening and not keyboard_ended else [])
            ready, _, _ = select.select(sources, [], [])
            if serial in ready:
                output = _read(serial)
                if not output:
                    return
                os.write(sys.stdout.fileno(), output)
                heard = (heard + output)[-CHUNK:]
                listening = listening or DOM0_PROMPT.encode() in heard
            if keyboard in ready:
                typed = _read(keyboard)
                keyboard_ended = not typed
                if terminal.is_terminal and CTRL_C in typed:
                    return
                os.write(serial, typed)
