# Where two sets of answers differ, and which of that is allowed: differences.toml gives reasons.
"""Compare answers; hold the list of allowed differences to what is really seen."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

LIST = Path(__file__).with_name("differences.toml")
# Who stands beside whom: both on SVM, both on VMX, or, because real Xen takes its time in Bochs,
# Subfloor on VMX beside Xen on SVM.
PAIRS = {"svm": ("xen", "svm"), "vmx": ("xen-vmx", "vmx"), "crossed": ("xen", "vmx")}
NO_ANSWER = "(no answer)"


@dataclass
class Allowed:
    """A pattern over questions, optionally over both answers, with the reason why they differ."""

    question: str
    reason: str
    xen: str = ".*"
    ours: str = ".*"
    engines: tuple[str, ...] = tuple(PAIRS)
    used: int = 0

    def matches(self, question: str, xen: str, ours: str) -> bool:
        """Return whether this is the difference meant."""
        pairs = ((self.question, question), (self.xen, xen), (self.ours, ours))
        return all(re.fullmatch(pattern, text) for pattern, text in pairs)


@dataclass
class Difference:
    """One question that was answered differently; without a reason it is a fault."""

    question: str
    xen: str
    ours: str
    reason: str = ""


@dataclass
class Verdict:
    """What came of one comparison."""

    asked: int
    differences: list[Difference]
    stale: list[Allowed] = field(default_factory=list)

    @property
    def unexplained(self) -> list[Difference]:
        """Return the differences that no entry allows."""
        return [one for one in self.differences if not one.reason]

    @property
    def good(self) -> bool:
        """Return whether every difference has a reason and every reason its difference."""
        return not self.unexplained and not self.stale


def read(path: Path = LIST) -> list[Allowed]:
    """Read the list of allowed differences."""
    entries = tomllib.loads(path.read_text()).get("difference", [])
    allowed = []
    for entry in entries:
        one = Allowed(**entry)
        one.engines = tuple(one.engines)
        allowed.append(one)
    return allowed


def compare(
    xen: dict[str, str], ours: dict[str, str], allowed: list[Allowed], engine: str
) -> Verdict:
    """Compare two sets of answers by question, in the order in which Xen was asked."""
    here = [one for one in allowed if engine in one.engines]
    for one in here:
        one.used = 0
    found = []
    questions = [*xen, *(question for question in ours if question not in xen)]
    for question in questions:
        theirs, mine = xen.get(question, NO_ANSWER), ours.get(question, NO_ANSWER)
        if theirs == mine:
            continue
        reason = next((one for one in here if one.matches(question, theirs, mine)), None)
        if reason:
            reason.used += 1
        found.append(Difference(question, theirs, mine, reason.reason if reason else ""))
    return Verdict(len(questions), found, [one for one in here if one.used == 0])
