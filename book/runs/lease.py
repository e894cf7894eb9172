# Two guests share a disk by leases, and one is held in the middle of its own: two kinds of clock.
import pyhv

LEASE = 60_000_000  # ns
TURNS = 80


def run(seed: int, hide: bool) -> tuple[int, int]:
    """Let both write; return how many writes there were, and how many under the other's lease."""
    lease = {"owner": 0, "until": 0}  # it stands on the disk, by the machine's time
    writes = []

    def gaps(domain: int) -> int:
        """Return how long the hypervisor has held a domain: ns."""
        held = hv.trace.about(domain).of("domain_unpaused")
        return sum(event.fields["gap"] for event in held) * 1000

    async def clock(me) -> int:
        """The time by the guest's account: when its turn began. The obvious design hides gaps."""
        entered = (await me.hypercall("vcpu_op", "get_runstate_info", 0, {})).state_entry_time
        return entered - gaps(me.domain.id) if hide else entered

    async def worker(me):
        until = 0
        for _ in range(TURNS):
            now = await clock(me)
            if now < until:
                writes.append(lease["owner"] == me.domain.id)
            elif hv.now >= lease["until"]:
                until = now + LEASE
                lease.update(owner=me.domain.id, until=hv.now + LEASE)
            await me.hypercall("sched_op", "yield")

    with pyhv.hosted(seed=seed, cpus=1, memory=64) as hv:
        hv.run(build_runner=worker, web_frontend=worker, steps=8)
        hv.domains["build_runner"].pause()
        hv.run(steps=40)
        hv.domains["build_runner"].unpause()
        hv.run()
    return len(writes), writes.count(False)


for name, hide in (("hidden", True), ("shown", False)):
    runs = [run(seed, hide) for seed in range(20)]
    print(f"gap {name}, writes in 20 runs: {sum(all_of_them for all_of_them, _ in runs)}")
    print(f"gap {name}, writes under the other's lease: {sum(wrong for _, wrong in runs)}")
    print(f"gap {name}, most of these in one run: {max(wrong for _, wrong in runs)}")
