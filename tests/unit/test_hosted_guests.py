# Guests of the hosted tier: coroutines that issue hypercalls, and the turns that they take.
"""Tests of `hv.run()`."""

import asyncio
import signal
import struct

import pytest

import pyhv
from pyhv import errors

INTERDOMAIN = "EVTCHNSTAT_interdomain"


@pytest.fixture
def hv():
    with pyhv.hosted(seed=1, cpus=2, memory=64) as machine:
        yield machine


async def listener(me):
    """Offer a port to d2, and sleep until it is rung."""
    offer = {"dom": "DOMID_SELF", "remote_dom": 2}
    port = (await me.hypercall("event_channel_op", "alloc_unbound", offer)).port
    me.write(0, port.to_bytes(4, "little"))
    answer = await me.hypercall("sched_op", "poll", {"ports": 0, "nr_ports": 1})
    status = await me.hypercall("event_channel_op", "status", {"dom": "DOMID_SELF", "port": port})
    return int(answer), status.status


async def ringer(me):
    """Bind d1's first port, as soon as it is there, and ring it."""
    while True:
        wish = {"remote_dom": 1, "remote_port": 1}
        bound = await me.hypercall("event_channel_op", "bind_interdomain", wish)
        if bound.error is None:
            port = bound.local_port
            return port, await me.hypercall("event_channel_op", "send", {"port": port})
        assert bound.error == "EINVAL"


async def spin(me):
    """Never end."""
    while True:
        await me.hypercall("sched_op", "yield")


def test_two_guests_meet_at_a_port(hv):
    results = hv.run(listener, ringer)
    assert results == {"listener": (0, hv.constant(INTERDOMAIN)), "ringer": (1, 0)}
    assert [event.fields for event in hv.trace.of("doorbell_given")] == [
        {"domain": 2, "port": 1, "remote": 1, "remote_port": 1}
    ]
    assert hv.trace.of("doorbell_given")[0].sentence == (
        "I gave d2 the doorbell of d1: port 1 rings port 1."
    )
    assert all(domain.vcpus[0].state == "blocked" for domain in hv.domains)


def story(seed: int, cpus: int) -> tuple:
    order = []

    async def count(me):
        for _ in range(20):
            await me.hypercall("xen_version", "version")
            order.append(me.domain.id)

    with pyhv.hosted(seed=seed, cpus=cpus) as hv:
        hv.run(one=count, two=count, three=count)
        return order, hv.trace.tell(), hv.now


@pytest.mark.parametrize("cpus", [1, 2, 8])
def test_the_seed_alone_decides(cpus: int):
    assert story(7, cpus) == story(7, cpus)
    assert story(7, cpus) != story(8, cpus)
    order = story(7, cpus)[0]
    assert sorted(order) == [1] * 20 + [2] * 20 + [3] * 20 != order


def test_a_guest_that_waits_for_good_goes_on_later(hv):
    assert hv.run(listener) == {}
    assert hv.domains["listener"].vcpus[0].state == "blocked"
    assert hv.run() == {}
    assert hv.run(ringer)["listener"] == (0, hv.constant(INTERDOMAIN))


def test_a_paused_guest_stands_still(hv):
    calls = []

    async def web(me):
        while True:
            calls.append(await me.hypercall("sched_op", "yield"))

    hv.run(web, steps=5)
    seen = len(calls)
    hv.domains["web"].pause()
    assert hv.run(steps=50) == {} and len(calls) == seen
    hv.domains["web"].unpause()
    hv.run(steps=5)
    assert len(calls) > seen
    assert hv.domains["web"].vcpus[0].state == "runnable"
    assert hv.domains["web"].vcpus[0].time_running > 0


def test_time_passes_for_whoever_sleeps(hv):
    async def sleeper(me):
        virq = {"virq": "VIRQ_TIMER", "vcpu": 0}
        await me.hypercall("event_channel_op", "bind_virq", virq)
        at = hv.now + 1_000_000_000
        await me.hypercall("vcpu_op", "set_singleshot_timer", 0, {"timeout_abs_ns": at})
        await me.hypercall("sched_op", "block")
        return hv.now - at

    late = hv.run(sleeper)["sleeper"]
    assert 0 <= late < 10_000_000


def test_a_long_call_goes_on_at_a_later_turn():
    async def many(me):
        # To yield ends the turn while another waits: the rest of the list comes later
        sched, version = 29, 17
        me.write(0, struct.pack("<16Q", sched, 9, 0, 0, 0, 0, 0, 0, version, 9, *[0] * 6))
        answer = await me.hypercall("multicall", 0, 2)
        results = struct.unpack("<16Q", me.read(0, 128))[1::8]
        return answer, results, me.domain.hypercalls

    with pyhv.hosted(cpus=1) as hv:
        hv.run(spin, steps=2)
        assert hv.run(many, steps=60) == {"many": (0, (0, 4 << 16 | 17), 2)}


def test_an_exception_stops_its_guest_and_comes_out_whole(hv):
    async def careful(me):
        await me.hypercall("sched_op", "yield")
        return "fine"

    async def careless(me):
        await me.hypercall("event_channel_op", "send", {"port": 5})
        raise LookupError("no such door")

    with pytest.raises(LookupError, match="no such door") as raised:
        hv.run(careful, careless)
    assert raised.value.guest.domain.name == "careless"
    assert "careless" in raised.value.__notes__[0] and "-EINVAL" in raised.value.__notes__[0]
    assert raised.traceback[-1].name == "careless"
    assert hv.domains["careless"].state == "crashed"
    assert "d2 crashed. I keep it, with its registers, for whoever asks why." in hv.dmesg()
    assert hv.run().get("careful", "fine") == "fine"
    assert hv.domains["careful"].state == "alive"
    with pytest.raises(errors.WrongArgument, match="careless is crashed: it runs no guest"):
        hv.run(careless)


def test_ctrl_c_waits_for_the_end_of_a_step(hv):
    async def web(me):
        await me.hypercall("sched_op", "yield")
        signal.raise_signal(signal.SIGINT)
        return await me.hypercall("xen_version", "version")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        hv.run(web)
    assert signal.getsignal(signal.SIGINT) is before
    assert hv.domains["web"].state == "alive"
    assert hv.run() == {"web": 4 << 16 | 17}


def test_a_second_ctrl_c_cuts_into_a_guest_that_never_asks(hv):
    async def web(me):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        await me.hypercall("sched_op", "yield")

    with pytest.raises(KeyboardInterrupt):
        hv.run(web)
    assert hv.domains["web"].state == "crashed"
    assert hv.run(ringer, steps=3) == {}


def test_a_guest_shuts_itself_down(hv):
    async def web(me):
        await me.hypercall("sched_op", "shutdown", {"reason": "SHUTDOWN_reboot"})
        raise AssertionError("nobody comes back from that")

    assert hv.run(web) == {}
    assert hv.domains["web"].state == "shut down"
    assert hv.trace[-1].fields == {"domain": 1, "reason": hv.constant("SHUTDOWN_reboot")}
    hv.domains["web"].destroy()
    assert "web" not in hv.domains


def test_dom0_may_be_a_program_and_take_others_apart(hv):
    async def dom0(me):
        for _ in range(3):
            await me.hypercall("sched_op", "yield")
        return await me.hypercall("domctl", "destroydomain", {"domain": 1})

    hv.create("spin")
    assert hv.run(dom0, spin, steps=200) == {"dom0": 0}
    assert [domain.name for domain in hv.domains] == ["dom0"]
    assert hv.run() == {}


def test_a_guest_is_no_toolstack(hv):
    async def web(me):
        return (await me.hypercall("domctl", "pausedomain", {"domain": 0})).error

    assert hv.run(web) == {"web": "EPERM"}


def test_the_next_program_of_a_domain_finds_what_the_last_left(hv):
    async def first(me):
        me.write(0x5000, b"left here")

    async def second(me):
        return me.read(0x5000, 9)

    hv.run(web=first)
    assert hv.run(web=second) == {"web": b"left here"}


@pytest.mark.parametrize(("arguments", "says"), [
    (("event_chanel_op", "send"), "no hypercall 'event_chanel_op'; there are: .*event_channel_op"),
    (("event_channel_op", "sent"), "no operation of event_channel_op 'sent'; .* send"),
    (("event_channel_op", "send", {"prt": 1}), "no field of evtchn_send 'prt'; there are: port"),
    (("event_channel_op", "send", {"port": 1 << 32}), "does not fit into its 4 bytes"),
    (("event_channel_op", "send", {"port": "DOMID_SELV"}), "no constant for port 'DOMID_SELV'"),
    (("sched_op", "yield", {"port": 1}), "sched_op takes no structure here"),
    (("xen_version", 1, 2, 3, 4, 5, 6, 7), "more than six arguments"),
])
def test_a_call_that_cannot_be_written_down(hv, arguments: tuple, says: str):
    async def web(me):
        with pytest.raises(errors.WrongArgument, match=says):
            await me.hypercall(*arguments)
        return "goes on"

    assert hv.run(web) == {"web": "goes on"}


def test_what_is_no_guest_is_refused(hv):
    async def web(me):
        await asyncio.sleep(0)

    async def inside(me):
        hv.run()

    with pytest.raises(errors.WrongArgument, match="nothing but its own hypercalls"):
        hv.run(web)
    with pytest.raises(errors.WrongArgument, match="cannot run the machine that runs it"):
        hv.run(inside)
    with pytest.raises(errors.WrongArgument, match="an `async def` that takes one argument"):
        hv.run(other=lambda me: None)
    hv.run(spin, steps=1)
    with pytest.raises(errors.WrongArgument, match="spin has a guest that has not ended"):
        hv.run(spin)


def test_a_guest_may_end_itself_its_domain_or_the_machine(hv):
    async def web(me):
        me.domain.destroy()
        return await me.hypercall("sched_op", "yield")

    async def last(me):
        hv.close()
        await me.hypercall("sched_op", "yield")

    assert hv.run(web) == {} and "web" not in hv.domains
    assert hv.run(last) == {}
    with pytest.raises(errors.Closed):
        hv.dmesg()


def test_texts_and_raw_numbers_reach_the_hypervisor(hv):
    async def dom0(me):
        said = await me.hypercall("console_io", "write", 6, b"hello\n")
        version = await me.hypercall("xen_version", "extraversion", 0x1000)
        return said, version, me.read(0x1000, 11), await me.hypercall("sched_op", 0)

    assert hv.run(dom0) == {"dom0": (0, 0, b".0-subfloor", 0)}


def test_an_answer_shows_itself(hv):
    async def web(me):
        wish = {"dom": "DOMID_SELF", "remote_dom": 0}
        good = await me.hypercall("event_channel_op", "alloc_unbound", wish)
        bad = await me.hypercall("event_channel_op", "send", {"port": 9})
        return repr(good), repr(bad), repr(me), hasattr(good, "prt")

    good, bad, me, other = hv.run(web)["web"]
    assert good == "<Answer 0, dom=32752, remote_dom=0, port=1>"
    assert bad == "<Answer -EINVAL, port=9>"
    assert me.startswith("<guest of <web (d1)") and "send" in me and other is False


def test_an_event_is_waited_for_and_handed_out_once(hv):
    async def web(me):
        for _ in range(3):
            await me.hypercall("sched_op", "yield")
        return "done"

    hv.run(web, steps=0)
    made = hv.wait_for_event("domain_created", domain=1)  # it came before anybody asked
    assert (made.domain, made.name) == (1, "domain_created")
    before = hv._native.traced
    assert hv.wait_for_event("hypercall_made", domain="web").fields["call"] == 29
    assert hv._native.traced == before
    hv.domains["web"].destroy()
    assert hv.wait_for_event("domain_gone").domain == 1
    with pytest.raises(errors.TookTooLong, match="for the event domain_gone, and no guest can go"):
        hv.wait_for_event("domain_gone")
    with pytest.raises(errors.WrongArgument, match="no event is called 'gone'; there are: .*_gone"):
        hv.wait_for_event("gone")


def test_what_a_guest_returns_is_not_lost_while_an_event_is_waited_for(hv):
    async def web(me):
        await me.hypercall("sched_op", "yield")
        return "done"

    hv.run(web, steps=0)
    with pytest.raises(errors.TookTooLong):
        hv.wait_for_event("domain_gone", domain=1)
    assert hv.run() == {"web": "done"}
    hv.run(spin, steps=0)
    with pytest.raises(errors.TookTooLong, match="waited 0 s for the event domain_gone of d2"):
        hv.wait_for_event("domain_gone", domain=2, timeout=0)


async def thrice(me):
    """Ask the same three times."""
    for _ in range(3):
        await me.hypercall("xen_version", "version")
    return "done"


def test_a_breakpoint_is_met_before_the_call_and_removed_in_its_callback(hv):
    met = []

    def once(hit):
        met.append((repr(hit), hit.domain.hypercalls))
        hit.breakpoint.remove()

    hv.run(thrice, steps=0)
    hv.breakpoint("xen_version", once, domain="thrice")
    assert hv.run() == {"thrice": "done"}
    assert met == [("<thrice (d1) before xen_version('version')>", 0)]


def test_a_callback_pauses_what_it_watches_and_it_goes_on_at_that_call(hv):
    with hv.breakpoint("xen_version", lambda hit: hit.domain.pause(), domain=1) as here:
        assert hv.run(thrice) == {} and here.hits == 1
        assert (hv.domains[1].state, hv.domains[1].hypercalls) == ("paused", 0)
        hv.domains[1].unpause()
        assert hv.run() == {} and here.hits == 2 and hv.domains[1].hypercalls == 1
        hv.domains[1].unpause()
    assert hv.run() == {"thrice": "done"}


def test_an_exception_in_a_callback_pauses_the_guest_and_comes_out_whole(hv):
    def fail(hit):
        raise LookupError("of my own")

    with hv.breakpoint("xen_version", fail), pytest.raises(LookupError, match="my own") as raised:
        hv.run(thrice)
    assert raised.value.guest.domain.state == "paused"
    assert raised.value.hit.request.name == "xen_version"
    assert "guest of <thrice (d1)" in raised.value.__notes__[0]
    hv.domains["thrice"].unpause()
    assert hv.run() == {"thrice": "done"}


def test_the_machine_runs_until_a_call_and_stands_there(hv):
    hv.run(spin, thrice, steps=0)
    hit = hv.run_until("xen_version", domain="thrice")
    assert hit.domain.name == "thrice" and hit.domain.hypercalls == 0
    assert hv.run_until("xen_version").domain.hypercalls == 1
    for domain in hv.domains:
        if domain.id:
            domain.destroy()
    with pytest.raises(errors.TookTooLong, match="hypercall xen_version, and no guest can go on"):
        hv.run_until("xen_version")


def test_a_callback_may_destroy_what_it_watches(hv):
    with hv.breakpoint("xen_version", lambda hit: hit.domain.destroy()):
        assert hv.run(thrice) == {}
    assert "thrice" not in hv.domains


@pytest.mark.parametrize(("where", "kind", "says"), [
    ("hv::create_domain", errors.NotOnThisTier, "T1 stops at instructions"),
    (0x1000, errors.NotOnThisTier, "T1 stops"), ("yield", errors.WrongArgument, "no hypercall")])
def test_a_breakpoint_that_cannot_be(hv, where, kind, says):
    with pytest.raises(kind, match=says):
        hv.breakpoint(where, print)
