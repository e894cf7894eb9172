# A running emulator: its process, its COM1, and what it said.
"""Start an emulator, talk to its serial line, and leave nothing behind."""

import codecs
import ctypes
import os
import pty
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import tty
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import pexpect
from pexpect import fdpexpect

from pyhv import bochs, iso, qemu
from pyhv.errors import Failure
from pyhv.machine import Machine
from pyhv.speed import scaled

PR_SET_PDEATHSIG = 1
# Terminal control sequences and carriage returns: firmware's and GRUB's, noise in a log.
CONTROLS = re.compile(r"\x1b\[[0-9;?=]*[a-zA-Z]|\x1b[c()][B0]?|\r")
# A half-said line that stepped aside: it is said again after what came between.
ERASED = re.compile(r"[^\n]*\r\x1b\[K")
LOG_END_LINES = 40
CHUNK = 4096
# What QEMU says of each feature of EPYC that TCG leaves out, and ALSA of a machine without sound.
NOISE = re.compile(r"TCG doesn't support requested feature|^ALSA lib")


def readable(text: str) -> str:
    """Return a serial log without the sequences that only move a cursor."""
    return CONTROLS.sub("", ERASED.sub("", text))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _die_with_parent_on_one_core() -> None:
    _die_with_parent()
    os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})


class _Log:
    """Keeps all that COM1 said, as pexpect's log file, and may pass it on as it comes."""

    def __init__(self) -> None:
        self.text = ""
        self.echo = None

    def write(self, text: str) -> None:
        self.text += text
        if self.echo:
            self.echo(text)

    def flush(self) -> None:
        """Nothing is held back."""


class Emulator:
    """One emulated machine, from power-on until `stop`; a context manager.

    Timeouts are seconds on the reference machine and are scaled. Failures carry the end of the
    serial log and a command that repeats the run by hand.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.frozen = False  # see pyhv.frozen
        self._stderr = tempfile.TemporaryFile(mode="w+")
        self.iso = self._make_iso() if machine.boots_from_iso else None
        self._log = _Log()
        self.serial_fd = self._start()
        self._serial = fdpexpect.fdspawn(
            self.serial_fd, encoding="utf-8", codec_errors="replace", timeout=None
        )
        self._serial.logfile_read = self._log
        self._serial.delaybeforesend = None

    # Starting.

    def _make_iso(self) -> Path:
        machine = self.machine
        if not machine.image:
            raise Failure("an ISO needs an image to boot")
        return iso.make(machine)

    def _spawn(self, words: list[str]) -> None:
        # Bochs's debugger takes commands on its standard input
        asked = self.machine.emulator == "bochs" and self.machine.debugger
        one_core = qemu.wants_one_core(self.machine)
        try:
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE if asked else subprocess.DEVNULL,
                stdout=self._stderr, stderr=self._stderr, start_new_session=True,
                preexec_fn=_die_with_parent_on_one_core if one_core else _die_with_parent,
            )
        except FileNotFoundError as error:
            raise Failure(f"{words[0]} is not installed") from error

    def _words(self, terminal: str) -> list[str]:
        if self.machine.emulator == "bochs":
            return bochs.command(self.machine, bochs.on_terminal(terminal), self.iso)
        serial = qemu.on_terminal(terminal) if self.machine.serial else qemu.NO_SERIAL
        return qemu.command(self.machine, serial, self.iso)

    def _start(self) -> int:
        # A late reader finds 20,480 bytes here. In a socket, where COM1 writes byte by byte, it
        # finds 278: more must wait, by the host's clock, and then no two runs are the same
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        try:
            self._spawn(self._words(os.ttyname(theirs)))
        except BaseException:
            os.close(ours)
            os.close(theirs)
            raise

        def hang_up_at_the_end() -> None:
            # With the last holder of its other side gone, our side reads as ended.
            self.process.wait()
            os.close(theirs)

        threading.Thread(target=hang_up_at_the_end, daemon=True).start()
        return ours

    # Talking.

    @property
    def log(self) -> str:
        """Everything that COM1 said so far, without cursor movements."""
        return readable(self._log.text)

    @property
    def raw_log(self) -> str:
        """Everything that COM1 said so far, as it came."""
        return self._log.text

    @property
    def command_by_hand(self) -> str:
        """Return a shell command that repeats this run, with COM1 on the terminal."""
        module = bochs if self.machine.emulator == "bochs" else qemu
        return shlex.join(module.by_hand(self.machine, self.iso))

    def listen(self) -> None:
        """Hear COM1 until the machine is off: for a thread, of a machine where nobody expects."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with suppress(OSError):
            while heard := os.read(self.serial_fd, CHUNK):
                self._log.write(decoder.decode(heard))

    def echo_to(self, receive) -> None:
        """Pass all that COM1 says from now on to a function as well, as it is read."""
        self._log.echo = receive

    def send(self, text: str) -> None:
        """Type text on COM1."""
        self._serial.send(text)

    def send_line(self, text: str) -> None:
        """Type a line on COM1, ended as the Return key ends it."""
        self._serial.send(text + "\r")

    def expect(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until COM1 has said what the regular expression describes; return the match."""
        return self.expect_any([pattern], timeout)[1]

    def expect_any(self, patterns: list[str], timeout: float = 30.0) -> tuple[int, re.Match[str]]:
        """Wait for the first of several patterns; return its index and the match."""
        what = " or ".join(repr(pattern) for pattern in patterns)
        try:
            index = self._serial.expect(patterns, timeout=scaled(timeout))
        except pexpect.TIMEOUT:
            raise self.failure(f"waited {scaled(timeout):.0f} s for {what}") from None
        except (pexpect.EOF, OSError):
            raise self.failure(f"the emulator ended before it said {what}") from None
        return index, self._serial.match

    @property
    def before(self) -> str:
        """What COM1 said between the last two matches."""
        return readable(self._serial.before)

    def expect_end(self, timeout: float = 30.0) -> int:
        """Wait until the machine is off; return the emulator's exit status."""
        try:
            self._serial.expect(pexpect.EOF, timeout=scaled(timeout))
        except pexpect.TIMEOUT:
            raise self.failure(f"waited {scaled(timeout):.0f} s for the power to go off") from None
        except OSError:
            pass
        return self.process.wait()

    def expect_power_off(self, timeout: float = 30.0) -> None:
        """Wait until the machine is off, and check that it was not by a fault of the emulator."""
        status = self.expect_end(timeout)
        if self.machine.emulator == "bochs":
            well = "soft power off" in self._emulator_words()
        else:
            well = status == 0
        if not well:
            raise self.failure(f"the emulator ended with status {status}, not by a power-off")

    # Ending.

    def failure(self, reason: str) -> Failure:
        """Make the error that shows what is needed to look into this run."""
        end = "\n".join(self.log.splitlines()[-LOG_END_LINES:])
        parts = [f"--- the end of the serial log ---\n{end}"]
        if words := self._emulator_words():
            parts.append(f"--- the emulator's own words ---\n{words}")
        parts.append(f"--- to repeat it by hand ---\n{self.command_by_hand}")
        return Failure(reason, "\n".join(parts))

    def _emulator_words(self) -> str:
        self._stderr.flush()
        self._stderr.seek(0)
        lines = [line for line in self._stderr.read().splitlines() if not NOISE.search(line)]
        return "\n".join(lines[-10:])

    def words_since(self, place: int) -> str:
        """Return the emulator's own words from that byte of them on."""
        descriptor = self._stderr.fileno()
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, size - place, place).decode("utf-8", "replace")

    def end(self) -> None:
        """End the emulator, if it has not ended; what it said can still be read."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):  # it ended by itself just now
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End the emulator, if it has not ended, and release what it held."""
        self.end()
        if self.serial_fd >= 0:
            os.close(self.serial_fd)
            self.serial_fd = -1
        self._stderr.close()

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
