# The one exception whose text is meant for the person at the terminal.
"""Errors that a person can act upon."""


class Failure(Exception):
    """One line that says what was wrong and what would be right; `details` may follow it."""

    def __init__(self, reason: str, details: str = "") -> None:
        super().__init__(f"{reason}\n{details}" if details else reason)
        self.reason = reason
        self.details = details
