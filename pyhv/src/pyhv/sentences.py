# What the machine says, as the tour and the tests expect it: in one place.
"""Expected sentences, as regular expressions where a number varies."""

# The hypervisor, waking and ending.
FIRST = r"I run\. I am \d+ bytes, loaded from 0x([0-9a-f]+) to 0x"
LOADED = r"I was loaded by {loader}, with the words"
MEMORY = r"The firmware's map has \d+ lines: (\d+) MiB of RAM"
PROCESSORS = r"ACPI's root is at 0x[0-9a-f]+\. It names (\d+) processors"
KEPT = r"I keep (\d+) frames of 4 KiB"
AWAKE = r"pCPU {cpu} is awake"
OWN_TABLES = r"I walk my own page tables now"
SECONDS_SINCE_1970 = r"It is (\d+) seconds since 1970"
POWERING_OFF = r"I power off"
UNKNOWN_OPTION = r'I know no option "{word}" and ignore it; "help" lists those I know\.'
WRONG_VALUE = r'I cannot read the option "{word}" and ignore it; it is {right}'
OPTIONS = ("help", "dom0_mem=MiB", "cpus=N", "panic")
PANIC = r"I panic on pCPU {cpu}: "
HALTED = r"\nI halt\."
STACK_FULL = r"The ordinary stack is full: 0xffffc0[0-9a-f]+ is in the guard page beneath it"
NO_TICK = r"pCPU {cpu} has not ticked for \d+ s\."

# The end of dom0, as the hypervisor tells it.
DOM0_POWERS_OFF = r"dom0 turns the machine off, with every guest in it, and me"

# dom0's shell.
DOM0_PROMPT = "dom0> "
LIST_HEAD = r"Name +ID +Mem +VCPUs\s+State\s+Time\(s\)"
POWER_OFF = "poweroff"


def list_row(name: str, state: str = "[r-][b-][p-][s-][c-][d-]") -> str:
    """Return the pattern of a domain's line in the list; groups: its state, and seconds it ran."""
    return rf"{name} +\d+ +\d+ +\d+ +({state}) +(\d+\.\d)"


def powered_off(name: str) -> str:
    """Return what dom0 says when a guest has turned itself off."""
    return rf"{name} \(d\d+\) powered off"


def rebooted(name: str) -> str:
    """Return what dom0 says when a guest has started anew."""
    return rf"{name} \(d\d+\) rebooted: it is d(\d+) now"


def crashed(name: str) -> str:
    """Return what dom0 says when a guest has crashed."""
    return rf"{name} \(d\d+\) crashed"


# The guests.
HELLO = (
    r"hello: I am awake",
    r"hello: cpuid 0x[0-9a-f]+ says XenVMMXenVMM",
    r"hello: 10 timer interrupts from the x2?APIC in \d+ us",
)
LINUX_PROMPT = "linux# "

# Where the hypervisor cannot go on: one line, with a reason.
CANNOT_GO_ON = r"\nI cannot go on: {why}[^\n]*\.\s*\n"
NO_ROOM = r"\d+ MiB of RAM are too little for me and the boot module of \d+ MiB"
NO_MODULE = r"no boot module was loaded"
DAMAGED_MODULE = r"the boot module is damaged: [^\n]+"
NO_DOM0 = r"the boot module holds no file called dom0"
NO_KERNEL = r"the file dom0 is no PVH kernel: [^\n]+"
TOO_LITTLE_MEMORY = (
    r"dom0 wants the \d+ MiB from 16 MiB on, which are not all free in this machine's {has} MiB of "
    r"RAM: {enough} MiB would do"
)
NO_SVM = r"this processor has no SVM"
NO_VMX = r"this processor has no VMX"
NO_NESTED_PAGING = r"this processor's SVM has no nested paging"
VMX_LOCKED = r"firmware has locked VMX off"
NO_EPT = r"this processor's VMX has no EPT"
NO_UNRESTRICTED = r"this processor's VMX has no unrestricted guest"

# After these, what was to come does not come.
GIVES_UP = (
    r"I cannot go on: [^\n]+\n",
    PANIC.format(cpu=r"\d+") + r"[^\n]+\n",
    r"cannot create \w+: [^\n]+\n",
)
