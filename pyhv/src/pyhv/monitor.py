# QEMU's monitor: its screen as a picture, its keyboard, its reset button, and what happened to it.
"""Speak QEMU's machine protocol (QMP): a JSON object a line, each way."""

import json
from pathlib import Path
from typing import Any

from pyhv.errors import Failure
from pyhv.sockets import connect


class Monitor:
    """A connection to a machine's monitor: see Machine.monitor."""

    def __init__(self, path: Path, timeout: float = 20.0) -> None:
        self._socket = connect(path, "monitor", timeout)
        self._lines = self._socket.makefile("r")
        self.events: list[dict[str, Any]] = []
        self._lines.readline()  # its greeting
        self.ask("qmp_capabilities")

    def _next(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise Failure("QEMU hung up on its monitor")
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        return message

    def ask(self, command: str, **arguments: Any) -> Any:
        """Run a command and return its answer; what happens meanwhile is kept in `events`."""
        words = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(words).encode() + b"\n")
        while "return" not in (answer := self._next()):
            if "error" in answer:
                raise Failure(f"QEMU's monitor refused {command}: {answer['error']['desc']}")
        return answer["return"]

    def expect_event(self, name: str) -> dict[str, Any]:
        """Wait for an event of that name since the last such wait; return its data."""
        while True:
            for number, event in enumerate(self.events):
                if event["event"] == name:
                    del self.events[:number + 1]
                    return event.get("data", {})
            self._next()
