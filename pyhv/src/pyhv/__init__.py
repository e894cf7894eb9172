# The shared tooling: fetches, builds, boots and talks to Subfloor.
"""Drive Subfloor from Python, on three tiers that share their words.

`hosted()` opens a machine in this process, out of the hypervisor's own code (T0); `boot()` starts
one in an emulator (T1); `connect()` speaks to one that is there already (T2).

>>> import pyhv
>>> with pyhv.hosted(seed=1, cpus=2, memory=64) as hv:
...     web = hv.create("web", memory=4)
...     hv.domains
Name  ID  State  Mem  VCPUs
dom0   0  alive    2      1
web    1  alive    4      1
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pyhv.booted.machine import Booted
    from pyhv.linked.machine import Linked
    from pyhv.t0.machine import Hosted

__all__ = ["boot", "connect", "hosted"]


def hosted(seed: int = 1, cpus: int = 2, memory: int = 64) -> "Hosted":
    """Open a machine of tier T0: the chapters' own code in this process, and no processor.

    `cpus` pCPUs and `memory` MiB are its own. Guests are Python coroutines that issue hypercalls;
    which of them goes on, and how fast time passes, follows from `seed` alone. Close it, or use it
    in a `with`. Raises NotBuilt where the extension is missing.
    """
    from pyhv.t0.machine import Hosted

    return Hosted(seed, cpus, memory)


def boot(
    engine: str = "svm", cpus: int = 1, memory: int = 512, *,
    guests: Sequence[str] = ("hello",), files: "Mapping[str, Path | str | bytes] | None" = None,
    options: str = "", accel: str = "tcg", counted: bool = False, through: str | None = None,
    commands: str = "",
) -> "Booted":
    """Boot a machine of tier T1, in an emulator of its own, and return when dom0 answers.

    `engine` is "svm" (AMD's, in QEMU) or "vmx" (Intel's, in Bochs, some thirty times slower). What
    is missing is built first. `guests` are what the boot module brings along: small guests by their
    names, and "linux" for Debian's kernel with busybox; `files` are more, by the name that `create`
    uses. `options` is the hypervisor's command line, `commands` what dom0's shell runs first.
    `counted` has QEMU count an instruction as a nanosecond, so that a run repeats itself.
    `through` builds the system as it stands at the end of a chapter.

    The emulator ends when the machine is closed, at the end of a `with`, with Python, and with the
    thread that called. Raises WrongArgument, NotInstalled; and MachineGone, with the machine's own
    words, where it refuses to start.
    """
    from pyhv.booted.machine import Booted
    from pyhv.booted.prepare import Wish

    return Booted(Wish(engine, cpus, memory, guests, files or {}, commands, options, accel, counted,
                       through))


def connect(where: str) -> "Linked":
    """Open a machine of tier T2 over its link: "/dev/ttyUSB0", "unix:PATH" or "tcp:HOST:PORT".

    It goes on when it is closed here. The newest client has the link; an older one is told so. One
    that `hv up` has booted, at "unix:build/run/NAME/link", takes many clients, and is of tier T1:
    it can be frozen.
    """
    from pyhv.background.kept import Kept, told_at
    from pyhv.link import Link
    from pyhv.linked.machine import Linked

    link = Link.open(where)
    told = told_at(where)
    return Linked(link, where) if told is None else Kept(link, where, told)
