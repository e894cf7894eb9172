# The pair of bell.py with one thing changed: one pCPU, or no call between the look and the bit.
from bell import DOOR, REQ_PROD, RING, RSP_PROD, SEEDS, Pair, number, sleep, take_bit



class Alone(Pair):
    """Both on one pCPU."""

    cpus = 1


class Moved(Pair):
    """Its account is read behind the bit."""

    async def serves(self, me):
        """Look, take the bit, and only then do the other thing."""
        while True:
            await sleep(me)
            while number(me, RING + REQ_PROD) != (done := number(me, RING + RSP_PROD)):
                number(me, RING + RSP_PROD, done + 1)
                await me.hypercall("event_channel_op", "send", DOOR)
            take_bit(me)
            await me.hypercall("vcpu_op", "get_runstate_info", 0, {})


for what, kind in (("on one pCPU", Alone), ("with the call moved", Moved)):
    ends = [kind(seed).run() for seed in range(SEEDS)]
    print(f"{what}, of {SEEDS} pairs that stall: {sum(end is not None for end in ends)}")
