// Ports: bound, rung, masked, closed; and the two-level bits that a guest reads.
#include <random>
#include <unit/events_guests.hpp>
#include <xen/sched.h>

using namespace hv;
using namespace hv::test;

namespace {

using Ports = std::vector<u32>;

class EventPorts : public EventGuests {};

TEST_F(EventPorts, JoinTwoDomainsAndRing) {
    const u32 offered = unbound(guest, dom0.id);
    EXPECT_EQ(status(guest, offered), u32{EVTCHNSTAT_unbound});
    EXPECT_EQ(send(guest, offered), 0) << "nobody is there yet, and nobody minds";
    u32 mine = 0;
    ASSERT_EQ(bind(dom0, guest.id, offered, mine), 0);
    EXPECT_EQ(status(guest, offered), u32{EVTCHNSTAT_interdomain});
    EXPECT_EQ(take_two_level(dom0), Ports{mine}) << "the binder looks once, as on Xen";

    EXPECT_EQ(send(dom0, mine), 0);
    EXPECT_TRUE(upcall(guest));
    EXPECT_EQ(take_two_level(guest), Ports{offered});
    EXPECT_EQ(send(guest, offered), 0);
    EXPECT_EQ(take_two_level(dom0), Ports{mine});
    EXPECT_FALSE(upcall(guest)) << "who rings hears nothing";
}

TEST_F(EventPorts, AreOnlyForWhomTheyWereOffered) {
    Domain& third = small.add_domain();
    const u32 offered = unbound(guest, dom0.id);
    u32 port = 0;
    EXPECT_EQ(bind(third, guest.id, offered, port), -XEN_EINVAL);
    EXPECT_EQ(bind(dom0, guest.id, offered + 1, port), -XEN_EINVAL);
    EXPECT_EQ(bind(dom0, 77, offered, port), -XEN_ESRCH);
    EXPECT_EQ(bind(dom0, guest.id, offered, port), 0);
    EXPECT_EQ(bind(dom0, guest.id, offered, port), -XEN_EINVAL) << "taken";
    evtchn_alloc_unbound_t foreign{dom0.id, guest.id, 0};
    EXPECT_EQ(op(guest, EVTCHNOP_alloc_unbound, foreign), -XEN_EPERM);
    foreign = {guest.id, third.id, 0};
    EXPECT_EQ(op(dom0, EVTCHNOP_alloc_unbound, foreign), 0) << "the toolstack may";
    EXPECT_EQ(bind(third, guest.id, foreign.port, port), 0);
}

TEST_F(EventPorts, StayOpenAtTheOtherEnd) {
    const u32 offered = unbound(guest, dom0.id);
    u32 mine = 0;
    ASSERT_EQ(bind(dom0, guest.id, offered, mine), 0);
    EXPECT_EQ(close(dom0, mine), 0);
    EXPECT_EQ(status(dom0, mine), u32{EVTCHNSTAT_closed});
    EXPECT_EQ(status(guest, offered), u32{EVTCHNSTAT_unbound});
    EXPECT_EQ(send(guest, offered), 0);
    EXPECT_EQ(send(dom0, mine), -XEN_EINVAL);
    EXPECT_EQ(close(dom0, mine), -XEN_EINVAL) << "closed already";
    EXPECT_EQ(bind(dom0, guest.id, offered, mine), 0) << "it may come back";
}

TEST_F(EventPorts, WaitBehindTheMask) {
    const u32 port = ipi(guest);
    mask_two_level(guest, port);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_FALSE(upcall(guest));
    EXPECT_EQ(unmask(guest, port), 0);
    EXPECT_TRUE(upcall(guest));
    EXPECT_EQ(take_two_level(guest), Ports{port}) << "rung twice, told once";
    EXPECT_EQ(unmask(guest, port), 0);
    EXPECT_FALSE(upcall(guest)) << "nothing waited";
}

TEST_F(EventPorts, AreNotPendingForTheNextWhoGetsThem) {
    const u32 port = ipi(guest);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(close(guest, port), 0);
    EXPECT_EQ(ipi(guest), port) << "the lowest free number";
    EXPECT_TRUE(take_two_level(guest).empty());
}

TEST_F(EventPorts, ReachTheApicOrTheCallback) {
    const u32 port = ipi(guest);
    Vcpu& vcpu = *guest.vcpus[0];
    vcpu.blocked = Blocked::for_interrupt;
    guest.callback_vector = 0xf3;
    EXPECT_LT(next_vector(vcpu), 0);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(next_vector(vcpu), 0xf3);
    EXPECT_EQ(vcpu.blocked, Blocked::no) << "a sleeper wakes";
    take_two_level(guest);
    EXPECT_LT(next_vector(vcpu), 0) << "level: it falls with the guest's own flag";

    vcpu.upcall_vector = 0xf2;
    guest.callback_vector = 0;
    vcpu.apic.write_register(0xf0, 0x1ff);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(next_vector(vcpu), 0xf2);
}

TEST_F(EventPorts, RunOutAndSaySo) {
    u32 last = 0, count = 0;
    for (;; ++count) {
        evtchn_bind_ipi_t wish{0, 0};
        const s64 result = op(guest, EVTCHNOP_bind_ipi, wish);
        if (result != 0) {
            EXPECT_EQ(result, -XEN_ENOSPC);
            break;
        }
        EXPECT_EQ(wish.port, last + 1);
        last = wish.port;
    }
    EXPECT_EQ(count, 1023u) << "ports 1 to max_evtchn_port";
    EXPECT_EQ(send(guest, last), 0);
    EXPECT_EQ(take_two_level(guest), Ports{last});
    for (const u32 port : {0u, 1024u, 4096u, ~0u}) {
        EXPECT_EQ(send(guest, port), -XEN_EINVAL);
        EXPECT_EQ(close(guest, port), -XEN_EINVAL);
    }
}

TEST_F(EventPorts, ToAVcpuThatIsThere) {
    const u32 port = ipi(guest), offered = unbound(guest, dom0.id);
    for (const u32 vcpu : {1u, 32u, 0xffffu, 0x10000u, ~0u}) {
        evtchn_bind_ipi_t more{vcpu, 0};
        evtchn_bind_virq_t timer{VIRQ_TIMER, vcpu, 0};
        evtchn_bind_vcpu_t moved{offered, vcpu};
        EXPECT_EQ(op(guest, EVTCHNOP_bind_ipi, more), -XEN_ENOENT);
        EXPECT_EQ(op(guest, EVTCHNOP_bind_virq, timer), -XEN_ENOENT);
        EXPECT_EQ(op(guest, EVTCHNOP_bind_vcpu, moved), -XEN_ENOENT);
    }
    evtchn_bind_vcpu_t moved{offered, 0};
    EXPECT_EQ(op(guest, EVTCHNOP_bind_vcpu, moved), 0);
    moved.port = port;
    EXPECT_EQ(op(guest, EVTCHNOP_bind_vcpu, moved), -XEN_EINVAL) << "an IPI keeps its vCPU";
    evtchn_set_priority_t urgent{port, 3};
    EXPECT_EQ(op(guest, EVTCHNOP_set_priority, urgent), -XEN_ENOSYS) << "only queues have any";
}

TEST_F(EventPorts, OfAnotherAreResetWhileItIsPaused) {
    const u32 offered = unbound(guest, dom0.id);
    evtchn_reset_t wish{guest.id};
    EXPECT_EQ(op(guest, EVTCHNOP_reset, wish), 0) << "one's own, at any time";
    EXPECT_EQ(unbound(guest, dom0.id), offered);
    guest.paused_by_toolstack = false;
    EXPECT_EQ(op(dom0, EVTCHNOP_reset, wish), -XEN_EINVAL);
    EXPECT_EQ(status(guest, offered), u32{EVTCHNSTAT_unbound});
    guest.paused_by_toolstack = true;
    EXPECT_EQ(op(dom0, EVTCHNOP_reset, wish), 0);
    EXPECT_EQ(status(guest, offered), u32{EVTCHNSTAT_closed});
    wish.dom = dom0.id;
    EXPECT_EQ(op(guest, EVTCHNOP_reset, wish), -XEN_EPERM);
    wish.dom = 77;
    EXPECT_EQ(op(guest, EVTCHNOP_reset, wish), -XEN_ESRCH);
}

TEST_F(EventPorts, BindVirqsOnce) {
    evtchn_bind_virq_t timer{VIRQ_TIMER, 0, 0};
    EXPECT_EQ(op(guest, EVTCHNOP_bind_virq, timer), 0);
    EXPECT_EQ(op(guest, EVTCHNOP_bind_virq, timer), -XEN_EEXIST);
    evtchn_bind_virq_t console{VIRQ_CONSOLE, 0, 0};
    EXPECT_EQ(op(guest, EVTCHNOP_bind_virq, console), 0) << "as on Xen: it never rings for it";
    EXPECT_EQ(op(dom0, EVTCHNOP_bind_virq, console), 0);
    EXPECT_EQ(send(guest, timer.port), -XEN_EINVAL) << "only the hypervisor rings it";

    small.machine().console_input(small.machine());
    EXPECT_EQ(take_two_level(dom0), Ports{console.port});
    small.machine().clock.hosted_ticks = 2'400'000;
    EXPECT_EQ(small.call(guest, __HYPERVISOR_set_timer_op, {2'000'000}), 0);
    small.cpu().timers.run_due(small.cpu());
    EXPECT_FALSE(upcall(guest));
    small.machine().clock.hosted_ticks = 4'800'000 + 24;
    small.cpu().timers.run_due(small.cpu());
    EXPECT_EQ(take_two_level(guest), Ports{timer.port});
    EXPECT_EQ(small.call(guest, __HYPERVISOR_set_timer_op, {1}), 0);
    EXPECT_EQ(take_two_level(guest), Ports{timer.port}) << "a time gone by: at once";
    EXPECT_EQ(close(guest, timer.port), 0);
    EXPECT_EQ(op(guest, EVTCHNOP_bind_virq, timer), 0) << "free again";
}

TEST_F(EventPorts, TellTheKeeperThatADomainEnded) {
    evtchn_bind_virq_t wish{VIRQ_DOM_EXC, 0, 0};
    ASSERT_EQ(op(dom0, EVTCHNOP_bind_virq, wish), 0);
    shut_down(small.cpu(), guest, SHUTDOWN_poweroff);
    EXPECT_EQ(take_two_level(dom0), Ports{wish.port});
}

TEST_F(EventPorts, SilentlyOutliveTheirOtherEnd) {
    const u64 before = small.machine().frames.free_count();
    Domain& third = small.add_domain();
    const DomainId id = third.id;
    const u32 offered = unbound(third, dom0.id);
    u32 mine = 0;
    ASSERT_EQ(bind(dom0, id, offered, mine), 0);
    auto end = domctl_of(XEN_DOMCTL_destroydomain, id);
    EXPECT_EQ(small.domctl(dom0, end), 0);
    EXPECT_EQ(status(dom0, mine), u32{EVTCHNSTAT_unbound});
    EXPECT_EQ(send(dom0, mine), 0);
    EXPECT_EQ(close(dom0, mine), 0);
    // dom0's own page of ports stays with it
    EXPECT_EQ(small.machine().frames.free_count() + 1, before);
}

TEST_F(EventPorts, PollDoesNotSleepOverAnInterrupt) {
    Vcpu& vcpu = *guest.vcpus[0];
    small.put(guest, 0x9000, ipi(guest));
    sched_poll_t wish{};
    wish.ports.p = reinterpret_cast<u32*>(0x9000);
    wish.nr_ports = 1;
    guest.callback_vector = 0x40;
    vcpu.info->abi.evtchn_upcall_pending = 1;  // another port rang just before the call
    x86::CpuState state;
    small.machine().engine->read_state(vcpu.hardware, state);
    for (const bool enabled : {true, false}) {
        state.rflags = enabled ? 0x202 : 0x002;
        EXPECT_TRUE(small.machine().engine->write_state(vcpu.hardware, state).ok());
        EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, wish), 0);
        EXPECT_EQ(vcpu.blocked, enabled ? Blocked::no : Blocked::for_port)
            << "it sleeps only where it would not take it";
    }
}

TEST_F(EventPorts, PollUntilOneRings) {
    const u32 port = ipi(guest);
    Vcpu& vcpu = *guest.vcpus[0];
    take_two_level(guest);
    small.put(guest, 0x9000, port);
    sched_poll_t wish{};
    wish.ports.p = reinterpret_cast<evtchn_port_t*>(0x9000);
    wish.nr_ports = 1;
    mask_two_level(guest, port);
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, wish), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::for_port);
    {
        Guard guard{events_of(guest).lock};
        events_of(guest).abi->set_pending(guest, port, *events_of(guest).find(port));
    }
    EXPECT_EQ(vcpu.blocked, Blocked::no) << "masked ports wake those who poll them";
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, wish), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::no) << "pending already";

    event_words(guest).pending[port / 8] = 0;
    wish.timeout = 5000;
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, wish), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::for_port);
    small.machine().clock.hosted_ticks = 24'000;
    small.cpu().timers.run_due(small.cpu());
    EXPECT_EQ(vcpu.blocked, Blocked::no) << "its time came";
}

/// An interrupt ends a poll. What the guest sleeps for next, neither its port nor its time ends.
TEST_F(EventPorts, PollThatAnInterruptEndedIsOver) {
    const u32 port = ipi(guest);
    Vcpu& vcpu = *guest.vcpus[0];
    small.put(guest, 0x9000, port);
    sched_poll_t wish{};
    wish.ports.p = reinterpret_cast<evtchn_port_t*>(0x9000);
    wish.nr_ports = 1;
    wish.timeout = 5000;
    mask_two_level(guest, port);
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, wish), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::for_port);
    unblock(vcpu);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_sched_op, {SCHEDOP_block}), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::for_interrupt);
    small.machine().clock.hosted_ticks = 24'000;
    small.cpu().timers.run_due(small.cpu());
    EXPECT_EQ(vcpu.blocked, Blocked::for_interrupt) << "the time of a poll that is over";
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::for_interrupt) << "the port of a poll that is over";
    unblock(vcpu);
    wish.timeout = 0;
    event_words(guest).pending[port / 8] = 0;
    EXPECT_EQ(small.call_with(guest, __HYPERVISOR_sched_op, SCHEDOP_poll, wish), 0);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(vcpu.blocked, Blocked::no) << "the next one is a new one";
}

TEST_F(EventPorts, NoMemoryAtAnyStepOfBirthLeavesNothing) {
    Machine& machine = small.machine();
    xen_domctl_createdomain wish{};
    wish.max_vcpus = 1;
    wish.max_evtchn_port = 1023;
    bool born = false;
    for (u64 room = 0; !born; ++room) {
        ASSERT_LT(room, 64u);
        std::vector<Mfn> held;
        while (machine.frames.free_count() > room)
            held.push_back(*machine.frames.take(owner_hypervisor));
        {
            const auto made = create_domain(machine, small.cpu(), 0, wish);
            born = made.ok() && create_vcpu(**made, 0).ok();
            if (made.ok())
                while (destroy(small.cpu(), **made) == Progress::again)
                    ;
        }
        EXPECT_EQ(machine.frames.free_count(), room);
        for (const Mfn frame : held)
            machine.frames.give_back(frame);
    }
}

/// Any operation in any order, from both sides: what is free, bound and joined always agrees.
TEST_F(EventPorts, AgreeAtBothEndsWhateverTheyAreAsked) {
    std::mt19937 dice{1974};
    Domain* const domains[] = {&dom0, &guest};
    for (unsigned round = 0; round < 4000; ++round) {
        Domain& caller = *domains[dice() % 2];
        const u32 port = dice() % 24, other_port = dice() % 24;
        u32 local = 0;
        switch (dice() % 5) {
        case 0: unbound(caller, static_cast<DomainId>(dice() % 2)); break;
        case 1: (void)bind(caller, static_cast<DomainId>(dice() % 2), other_port, local); break;
        case 2: (void)close(caller, port); break;
        case 3: (void)close(caller, other_port); break;
        default: (void)send(caller, port);
        }
        for (u32 each = 1; each < 24; ++each)
            for (Domain* domain : domains) {
                const EventPort* row = events_of(*domain).find(each);
                if (row == nullptr || row->state != EventPort::State::interdomain)
                    continue;
                const EventPort* end = events_of(*domains[row->remote]).find(row->detail);
                ASSERT_NE(end, nullptr);
                ASSERT_EQ(end->state, EventPort::State::interdomain);
                ASSERT_EQ(end->detail, each);
                ASSERT_EQ(end->remote, domain->id);
            }
    }
}

}  // namespace
