# The disk of lease.py, with a number for each lease: it refuses a write that comes with an old one.
import pyhv

LEASE = 60_000_000  # ns
TURNS = 80


def run(seed: int) -> tuple[int, int, int]:
    """Let both write, by clocks that hide gaps; return writes taken, wrong, and refused."""
    lease = {"owner": 0, "until": 0, "number": 0}
    taken, refused = [], []

    def gaps(domain: int) -> int:
        held = hv.trace.about(domain).of("domain_unpaused")
        return sum(event.fields["gap"] for event in held) * 1000

    def disk(me, number: int) -> None:
        """Take a write, unless its lease is not the latest."""
        if number == lease["number"]:
            taken.append(lease["owner"] == me.domain.id)
        else:
            refused.append(number)

    async def worker(me):
        until = number = 0
        for _ in range(TURNS):
            asked = await me.hypercall("vcpu_op", "get_runstate_info", 0, {})
            now = asked.state_entry_time - gaps(me.domain.id)
            if now < until:
                disk(me, number)
            elif hv.now >= lease["until"]:
                number, until = lease["number"] + 1, now + LEASE
                lease.update(owner=me.domain.id, until=hv.now + LEASE, number=number)
            await me.hypercall("sched_op", "yield")

    with pyhv.hosted(seed=seed, cpus=1, memory=64) as hv:
        hv.run(build_runner=worker, web_frontend=worker, steps=8)
        hv.domains["build_runner"].pause()
        hv.run(steps=40)
        hv.domains["build_runner"].unpause()
        hv.run()
    return len(taken), taken.count(False), len(refused)


runs = [run(seed) for seed in range(20)]
for at, what in enumerate(("taken", "taken under the other's lease", "refused")):
    print(f"gap hidden, lease numbered, writes {what}: {sum(each[at] for each in runs)}")
