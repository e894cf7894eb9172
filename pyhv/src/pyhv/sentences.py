# What the machine says, as the tour and the tests expect it: in one place.
"""Expected sentences, as regular expressions where a number varies."""

DOM0_PROMPT = "dom0> "
LINUX_PROMPT = "linux# "
