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


class MachineDead(Failure):
    """The hypervisor panicked, or powered off: the machine is dead, and can only be closed."""


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
