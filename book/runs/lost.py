# Takes all orders of steps of the model of SCHEDOP_poll, as it is, and with its two halves swapped.
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests" / "unit"))
from event_models import Fifo, TwoLevel  # noqa: E402
from orders import explore  # noqa: E402

SENDS = 3

print("== swapped")
found = explore(TwoLevel(polls=True, fault="poll looks first"))
print(found.story())
steps = len(found.lost)
print("== kept")
states = 0
for what, model in (("poll", TwoLevel(polls=True, sends=SENDS)),
                    ("block, by the local APIC", TwoLevel(sends=SENDS)),
                    ("block, by the callback", TwoLevel(callback=True, sends=SENDS)),
                    ("queues", Fifo())):
    whole = explore(model)
    states += whole.states
    print(f"{what:25} {whole.states:6,} states, {'one is lost' if whole.lost else 'none lost'}")
print("== sums")
print(f"steps to a lost ring, at least: {steps}")
print(f"rings in each, at most: {SENDS}")
print(f"states in all: {states}")
