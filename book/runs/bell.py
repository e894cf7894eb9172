# web-frontend asks, db-primary answers, by a granted page and a bell: until one answer is missing.
import random
import struct

import pyhv

SHARED, TABLE, RING = 0x400000, 0x401000, 0x402000  # behind their 4 MiB: what they share
BITS, MASK = SHARED + 2048, SHARED + 2560  # of shared_info: xen/xen.h
UPCALL, SELECTOR = SHARED, SHARED + 8  # of its first vcpu_info
PAGE, REF = 0x300000, 42  # web-frontend's page with the ring, and its promise
REQ_PROD, RSP_PROD = 0, 8  # xen/io/ring.h
REQUESTS, SECOND, SEEDS, SEED = 100, 1_000_000_000, 20, 16
PORT = 1  # both have no other
DOOR = {"port": PORT}


def number(domain, at: int, value: int | None = None) -> int:
    """Return 32 bits of a domain's memory; write them first where there is a value."""
    if value is not None:
        domain.write(at, value.to_bytes(4, "little"))
    return int.from_bytes(domain.read(at, 4), "little")


def bits(domain, at: int) -> str:
    """Return the bits of its ports 7 to 0."""
    return f"{number(domain, at) & 255:08b}"


def take_bit(me) -> None:
    """Clear the port's pending bit, which is the guest's own to clear."""
    number(me, BITS, number(me, BITS) & ~(1 << PORT))


async def settle(me) -> None:
    """See shared_info and the grant table; mask the port, for it is waited for by polling."""
    for space, at in enumerate((SHARED, TABLE)):
        await me.hypercall("memory_op", "add_to_physmap",
                           {"domid": "DOMID_SELF", "space": space, "gpfn": at >> 12})
    number(me, MASK, 1 << PORT)


async def sleep(me, until: int = 0) -> None:
    """Wait for the port, or for a time."""
    me.write(0, PORT.to_bytes(4, "little"))
    await me.hypercall("sched_op", "poll", {"ports": 0, "nr_ports": 1, "timeout": until})


class Pair:
    """The two, on a machine of their own; `careful` says how the second of them was written."""

    cpus = 2

    def __init__(self, seed: int, careful: bool = False) -> None:
        self.careful, self.chance = careful, random.Random(seed)
        self.diary: list[tuple[int, str, str]] = []
        self.sleeps = 0
        self.hv = pyhv.hosted(seed=seed, cpus=self.cpus, memory=64)
        self.front, self.back = self.hv.create("web_frontend"), self.hv.create("db_primary")

    def note(self, who: str, what: str) -> None:
        """Write down what somebody does, and when."""
        self.diary.append((self.hv.now, who, what))

    async def asks(self, me):
        """Write one request after another; return the first without an answer in a second."""
        await settle(me)
        me.write(TABLE + 8 * REF, struct.pack("<HHI", 1, self.back.id, PAGE >> 12))
        await me.hypercall("event_channel_op", "alloc_unbound",
                           {"dom": "DOMID_SELF", "remote_dom": self.back.id})
        for request in range(1, REQUESTS + 1):
            for _ in range(self.chance.randrange(12)):  # it has other things to do
                await me.hypercall("sched_op", "yield")
            number(me, PAGE + REQ_PROD, request)
            self.note("web-frontend", f"writes request {request}, and rings")
            sent = await me.hypercall("event_channel_op", "send", DOOR)
            if not await self.answered(me, request):
                return request, int(sent)
        return None

    async def answered(self, me, request: int) -> bool:
        """Wait for an answer, a second at most."""
        end = self.hv.now + SECOND
        while number(me, PAGE + RSP_PROD) != request:
            if self.hv.now >= end:
                return False
            await sleep(me, end)
            take_bit(me)
        return True

    async def answers(self, me):
        """Join the port, map the page, and serve."""
        await settle(me)
        wish = {"remote_dom": self.front.id, "remote_port": PORT}
        while (await me.hypercall("event_channel_op", "bind_interdomain", wish)).error:
            pass
        await me.hypercall("grant_table_op", "map_grant_ref", {
            "host_addr": RING, "flags": 2, "ref": REF, "dom": self.front.id}, 1)
        await self.serves(me)

    async def serves(self, me):
        """Sleep until somebody rings; answer all there is; read its own account; sleep."""
        while True:
            self.sleeps += 1
            await sleep(me)
            if self.careful:
                take_bit(me)
            while (made := number(me, RING + REQ_PROD)) != (done := number(me, RING + RSP_PROD)):
                number(me, RING + RSP_PROD, done + 1)
                await me.hypercall("event_channel_op", "send", DOOR)
            self.note("db-primary", f"looks: {made} written, {done} answered")
            await me.hypercall("vcpu_op", "get_runstate_info", 0, {})
            if not self.careful:
                take_bit(me)
            self.note("db-primary", "goes to sleep")

    def run(self) -> tuple[int, int] | None:
        """Let them run until the first is at its end, noting each change of the bell's bit."""
        self.hv.run(web_frontend=self.asks, db_primary=self.answers, steps=0)
        before, found = "", {}
        while "web_frontend" not in found:
            found = self.hv.run(steps=1)
            if self.back.p2m.walk(SHARED).mpa and bits(self.back, BITS) != before:
                before = bits(self.back, BITS)
                self.note("the bit", before)
        return found["web_frontend"]

    async def rings_again(self, me):
        """Ring once more, and write nothing."""
        await me.hypercall("event_channel_op", "send", DOOR)
        return await self.answered(me, number(me, PAGE + REQ_PROD))


def bit_at(pair: Pair, request: int) -> str:
    """Return db-primary's bits as they were when a request had been rung for."""
    rows = [row for row in pair.diary if row[1] == "the bit"]
    last = when(pair, request)
    return [bits_then for at, _, bits_then in rows if at <= last][-1]


def when(pair: Pair, request: int) -> int:
    """Return the time at which a request was written."""
    return next(at for at, _, what in pair.diary if f"request {request}," in what)


def show_ends(pair: Pair) -> None:
    """Print what the hypervisor's rows say of both ends, and what each guest has set."""
    async def status(me):
        return await me.hypercall("event_channel_op", "status",
                                  {"dom": "DOMID_SELF", "port": PORT})
    print("== ends")
    found = pair.hv.run(web_frontend=status)["web_frontend"]
    joined = pair.hv.constant("EVTCHNSTAT_interdomain")
    print(f"d1, port {PORT}: " + ("joined to another domain's" if found.status == joined else "?"))
    print("== flags")
    for what, at in (("pending", BITS), ("masked", MASK)):
        print(f"db-primary's ports, {what}: {bits(pair.back, at)}")
    print(f"vcpu_info says that events wait: {number(pair.back, UPCALL) & 255}")
    print("== sleep")
    for domain in (pair.front, pair.back):
        name = domain.name.replace("_", "-")
        print(f"{name:13} {domain.state}, its vCPU {domain.vcpus[0].state}")
    print(f"times that db-primary asked to sleep: {pair.sleeps}")


def show_diary(pair: Pair, request: int) -> None:
    """Print the last moments of it."""
    print("== moments")
    first = when(pair, request - 1)
    for at, who, what in (row for row in pair.diary if row[0] >= first):
        print(f"{(at - first) / 1000:8,.0f} µs  {who:13} {what}")


if __name__ == "__main__":
    pair = Pair(SEED)
    request, sent = pair.run()
    print("== incident")
    print(f"web-frontend writes request {request}, and rings: {sent}")
    print(f"db-primary's bits, as that call ends: {bit_at(pair, request)}")
    print(f"db-primary's bits, a second later: {bits(pair.back, BITS)}")
    print(f"written: {number(pair.front, PAGE + REQ_PROD)}")
    print(f"answered: {number(pair.front, PAGE + RSP_PROD)}")
    show_ends(pair)
    show_diary(pair, request)
    print("== again")
    print("web-frontend rings again, and writes nothing:",
          "answered" if pair.hv.run(web_frontend=pair.rings_again)["web_frontend"] else "silence")
    print("== both")
    for careful, order in ((False, "behind"), (True, "before")):
        ends = [Pair(seed, careful).run() for seed in range(SEEDS)]
        stalls = [end[0] for end in ends if end is not None]
        print(f"bit taken {order} the look, of {SEEDS} pairs that stall: {len(stalls)}")
        if stalls:
            print(f"the latest of them at request: {max(stalls)}")
