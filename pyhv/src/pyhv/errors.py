# The one exception whose text is meant for the person at the terminal.
"""Errors that a person can act upon."""


class Failure(Exception):
    """One line that says what was wrong and what would be right; `details` may follow it."""

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(f"{reason}\n{details}" if details else reason)
        self.reason = reason
        self.details = details


class NotBuilt(Failure):
    """A part of the package that has to be compiled is not there."""


class Closed(Failure):
    """The machine has been closed: nothing can be asked of it any more."""


class NoDebugger(Failure):
    """The emulator was started without a way into its debugger."""


class AlreadyFrozen(Failure):
    """The machine is frozen already; the line says how to end that."""


class WrongImage(Failure):
    """What runs in the machine is not the image whose types are at hand, or runs not yet."""


class NotOnProcessor(Failure):
    """The vCPU is on no pCPU, so that it executes nothing."""


class MachineDead(Failure):
    """The hypervisor panicked, or powered off: the machine is dead, and can only be closed."""


class TookTooLong(Failure, TimeoutError):
    """What was waited for did not come in time; the line says what that was."""


class NotInstalled(Failure):
    """A program is missing; the line names Debian's package that has it."""


class Frozen(Failure):
    """The machine stands still, so that nobody in it can do anything."""


class MachineGone(MachineDead):
    """The emulator has ended, or would not start; `details` has its words and the log's end."""


class NoSuchDomain(Failure):
    """No domain of this machine has that name or number."""


class NoSuchMemory(Failure):
    """The domain has no RAM at that address."""


class NotOnThisTier(Failure):
    """The tier cannot do it; the line names the one that can."""


class BadTrace(Failure):
    """Bytes, or a file, that hold no trace."""


class WrongArgument(Failure, ValueError):
    """What was asked for cannot be: the line says what can."""


class Refused(Failure):
    """The hypervisor refused what the toolstack asked; `error` is Xen's name for why: "ENOMEM"."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(reason)
        self.error = error


class LinkLost(Failure):
    """Dom0 does not answer, or the line to it broke."""


class LinkVersion(Failure):
    """Dom0 speaks another version of the link."""

    def __init__(self, ours: int, theirs: int) -> None:
        super().__init__(
            f"this pyhv speaks version {ours} of the link, and dom0 version {theirs}: "
            "use the pyhv that was built with the image"
        )
        self.ours = ours
        self.theirs = theirs


class LinkTaken(Failure):
    """Another client has said hello since: the link is its own."""


class LinkRestarted(Failure):
    """Dom0 has started anew, and knows nothing of this session."""
