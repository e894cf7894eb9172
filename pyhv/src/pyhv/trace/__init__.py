# The trace of any tier: records decoded by the hypervisor's own code, told, drawn and kept.
"""What the hypervisor did, as events, as sentences, as figures and as files."""

from pyhv.trace.event import Event
from pyhv.trace.files import read_parquet
from pyhv.trace.record import Recording
from pyhv.trace.trace import Facts, Trace

__all__ = ["Event", "Facts", "Recording", "Trace", "read_parquet"]
