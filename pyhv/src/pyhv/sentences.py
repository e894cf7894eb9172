# What the machine says, as the tour and the tests expect it: in one place.
"""Expected sentences, as regular expressions where a number varies."""

FIRST = r"[^\x1b\r\n]*Subfloor[^\r\n]*\r?\n"
DOM0_PROMPT = "dom0> "
LINUX_PROMPT = "linux# "

HELLO = (
    r"hello: I am awake",
    r"hello: cpuid [0-9a-f]+ says XenVMMXenVMM",
    r"hello: 10 timer interrupts from the x?2?x?APIC in \d+ us",
)

LIST_HEAD = r"Name +ID +Mem +VCPUs\s+State\s+Time\(s\)"


def list_row(name: str) -> str:
    """Return the pattern of a domain's line in the list; group 1 is its state."""
    return rf"{name} +\d+ +\d+ +\d+ +([r-][b-][p-][s-][c-][d-]) +\d+\.\d"


# dom0's command that turns the machine off, and what it says when Linux has ended.
POWER_OFF = "poweroff"
LINUX_IS_OFF = r"linux[^\r\n]*power"
