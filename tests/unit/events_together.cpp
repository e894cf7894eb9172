// Event channels from two pCPUs at once: whoever sends, closes, resets or dies, both ends agree.
#include <boot/hosted/twin.hpp>
#include <functional>
#include <thread>
#include <unit/events_guests.hpp>
#include <unit/tripwire.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class EventsTogether : public EventGuests {
protected:
    EventsTogether() : EventGuests{2} {}
    Machine& machine() { return small.machine(); }

    /// Two threads, each as a pCPU of its own, begin at one moment.
    void both(const std::function<void()>& one, const std::function<void()>& other) {
        std::atomic<unsigned> ready{0};
        std::string panics[2];
        const auto play_one = [&](unsigned number) {
            play(machine().cpus[number]);
            ready.fetch_add(1);
            while (ready.load() < 2)
                ;
            try {
                (number == 0 ? one : other)();
            } catch (const Panic& panic) {
                panics[number] = panic.what();
            }
        };
        std::thread second{play_one, 1u};
        play_one(0);
        second.join();
        play(machine().cpus[0]);
        EXPECT_EQ(panics[0] + panics[1], "");
    }

    /// On the pCPU that this thread plays.
    s64 ask(Domain& caller, unsigned operation) override {
        Vcpu& vcpu = *caller.vcpus[0];
        vcpu.hardware.gpr.rdi = operation;
        vcpu.hardware.gpr.rsi = argument_at;
        Call call{this_cpu(), vcpu, true};
        return event_channel_op(call).value;
    }
    /// dom0 joins a port of the guest's and rings it until the guest has reset its ports. Returns
    /// dom0's own end.
    u32 ring_until_reset() {
        u32 local = 0;
        EXPECT_EQ(bind(dom0, guest.id, unbound(guest, dom0.id), local), 0);
        std::atomic<bool> over{false};
        both([&] { while (!over) ASSERT_EQ(send(dom0, local), 0); },
             [&] { EXPECT_EQ(reset(guest), 0); over = true; });
        return local;
    }
    s64 reset(Domain& caller) {
        evtchn_reset_t wish{DOMID_SELF};
        return op(caller, EVTCHNOP_reset, wish);
    }
    EventPort row(Domain& domain, u32 port) { return *events_of(domain).find(port); }
};

/// One joins what the other offers and closes again, without end: nobody is left joined to nothing.
TEST_F(EventsTogether, JoinWhatIsJustBeingClosed) {
    const u32 offered = unbound(guest, dom0.id);
    std::atomic<u32> closed{0};
    std::atomic<bool> over{false};
    both([&] {
        for (unsigned joined = 0; joined < 2000;) {
            u32 local = 0;
            if (bind(dom0, guest.id, offered, local) != 0)
                continue;
            ++joined;
            // After two more closings, what we joined is closed whenever the first of them began
            for (const u32 seen = closed; closed - seen < 2;)
                std::this_thread::yield();
            EXPECT_EQ(row(dom0, local).state, EventPort::State::unbound);
            EXPECT_EQ(close(dom0, local), 0);
        }
        over = true;
    }, [&] {
        for (; !over; ++closed) {
            EXPECT_EQ(close(guest, offered), 0);
            EXPECT_EQ(unbound(guest, dom0.id), offered);
        }
    });
}

/// The other end closes just after it was joined, and before the one who joins it has said so.
TEST_F(EventsTogether, AnEndThatClosesAtOnceLeavesTheOtherUnbound) {
    const u32 offered = unbound(guest, dom0.id);
    std::atomic<bool> joined{false}, closed{false};
    std::thread other{[&] {
        play(machine().cpus[1]);
        while (!joined)
            ;
        EXPECT_EQ(close(guest, offered), 0);
        closed = true;
    }};
    const auto let_it_close = [&] {
        joined = true;
        while (!closed)
            ;
    };
    // What is joined is written in the other's row, under its lock; then our own lock is taken
    Tripwire wire;
    wire.lay(events_of(guest).find(offered), [&] {
        wire.lay(&events_of(dom0).lock, let_it_close);
    });
    u32 local = 0;
    EXPECT_EQ(bind(dom0, guest.id, offered, local), 0);
    EXPECT_TRUE(wire.is_tripped());
    joined = true;
    other.join();
    EXPECT_EQ(row(dom0, local).state, EventPort::State::unbound);
    EXPECT_EQ(row(guest, offered).state, EventPort::State::free);
    EXPECT_EQ(close(dom0, local), 0);
}

TEST_F(EventsTogether, CloseBothEnds) {
    for (unsigned round = 0; round < 300; ++round) {
        const u32 offered = unbound(guest, dom0.id);
        u32 local = 0;
        ASSERT_EQ(bind(dom0, guest.id, offered, local), 0);
        both([&] { EXPECT_EQ(close(dom0, local), 0); },
             [&] { EXPECT_EQ(close(guest, offered), 0); });
        ASSERT_EQ(row(dom0, local).state, EventPort::State::free);
        ASSERT_EQ(row(guest, offered).state, EventPort::State::free);
    }
}

/// A guest that rings without end, while the other end resets: it hears of it by no error, and
/// the port that is left is open for whoever comes back.
TEST_F(EventsTogether, ResetWhileTheOtherEndSends) {
    for (unsigned round = 0; round < 60; ++round) {
        const u32 local = ring_until_reset();
        ASSERT_EQ(row(dom0, local).state, EventPort::State::unbound);
        ASSERT_EQ(close(dom0, local), 0);
    }
}

/// The same with queues: the pages go while events are linked in them, and no use of them stays.
TEST_F(EventsTogether, ResetQueuesWhileTheOtherEndSends) {
    const auto uses = [&](u64 gfn) {
        return machine().frames.row(guest.p2m.look_up(Gfn{gfn})->frame).uses;
    };
    const u32 before = uses(0x40);
    for (unsigned round = 0; round < 60; ++round) {
        evtchn_init_control_t control{};
        control.control_gfn = 0x40;
        evtchn_expand_array_t words{0x41};
        ASSERT_EQ(op(guest, EVTCHNOP_init_control, control), 0);
        ASSERT_EQ(op(guest, EVTCHNOP_expand_array, words), 0);
        const u32 local = ring_until_reset();
        ASSERT_EQ(close(dom0, local), 0);
        ASSERT_EQ(uses(0x40), before);
        ASSERT_EQ(uses(0x41), before);
    }
}

/// The peer dies at some step of a life of offering, joining, ringing and closing.
TEST_F(EventsTogether, ThePeerDiesAtAnyStep) {
    play(machine().cpus[0]);
    const u64 before = machine().frames.free_count();
    for (unsigned round = 0; round < 40; ++round) {
        Domain& peer = small.add_domain();
        const DomainId id = peer.id;
        const DomainRef held = find_domain(machine(), id);
        const u32 offered = unbound(peer, dom0.id);
        both([&] {
            for (unsigned step = 0; step < 20; ++step) {
                u32 local = 0;
                evtchn_alloc_unbound_t theirs{id, dom0.id, 0};
                const s64 opened_there = op(dom0, EVTCHNOP_alloc_unbound, theirs);
                EXPECT_TRUE(opened_there == 0 || opened_there == -XEN_EINVAL ||
                            opened_there == -XEN_ESRCH);
                if (bind(dom0, id, opened_there == 0 ? theirs.port : offered, local) != 0)
                    continue;
                EXPECT_EQ(send(dom0, local), 0);
                EXPECT_EQ(close(dom0, local), 0);
            }
        }, [&] {
            while (destroy(this_cpu(), *held) == Progress::again)
                ;
        });
        for (u32 port = 1; port < 24; ++port)
            if (events_of(dom0).find(port) != nullptr) {
                ASSERT_EQ(row(dom0, port).state, EventPort::State::free) << port;
            }
        ASSERT_FALSE(find_domain(machine(), id));
    }
    // dom0's own page of ports stays with it
    EXPECT_GE(machine().frames.free_count() + 1, before);
}

/// A vCPU that says it polls finds the event, or the event finds it: it never sleeps on a bell
/// that has rung.
TEST_F(EventsTogether, PollAndRing) {
    evtchn_bind_ipi_t bell{0, 0};
    ASSERT_EQ(op(guest, EVTCHNOP_bind_ipi, bell), 0);
    event_words(guest).mask[0] = 0xff;
    small.put(guest, 0x9000, bell.port);
    Vcpu& vcpu = *guest.vcpus[0];
    for (unsigned round = 0; round < 1000; ++round) {
        event_words(guest).pending[0] = 0;
        both([&] {
            // struct sched_poll: ports, their number, no timeout
            const u64 wish[] = {0x9000, 1, 0};
            small.put(guest, argument_at, wish);
            vcpu.hardware.gpr[6] = argument_at;
            Call call{this_cpu(), vcpu, true};
            EXPECT_EQ(poll(call).value, 0);
        }, [&] { EXPECT_TRUE(hv::send(guest, bell.port).ok()); });
        ASSERT_EQ(vcpu.blocked, Blocked::no) << "round " << round;
    }
}

}  // namespace
