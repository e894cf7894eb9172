# The model of the bell when a hypervisor interrupts first, and sets the flag of its guest later.
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests" / "unit"))
import event_models  # noqa: E402
from orders import explore  # noqa: E402


def tell(s, at, then):
    """As event_models.tell, but for the order: interrupt, unblock, flag."""
    match at:
        case "raise_upcall":
            return s, then if s.upcall else "interrupt_for_events"
        case "interrupt_for_events":
            return s._replace(interrupt=1), "unblock"
        case "unblock":
            return s._replace(blocked=0), "set_upcall"
        case "set_upcall":
            return s._replace(upcall=1), then
    return None


event_models.tell = tell
for what, callback in (("local APIC", False), ("callback", True)):
    for sends in (1, 2, 3):
        found = explore(event_models.TwoLevel(callback=callback, sends=sends))
        end = f"lost after {len(found.lost)} steps" if found.lost else "none lost"
        print(f"{what}, {sends} rings: {end}")
