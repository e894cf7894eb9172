// FIFO event channels: queues by priority in the guest's own pages, and what hostile pages may do.
#include <random>
#include <unit/events_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

using Ports = std::vector<u32>;

constexpr u64 control_gfn = 0x40, words_gfn = 0x41;
constexpr u32 pending = 1u << EVTCHN_FIFO_PENDING, masked = 1u << EVTCHN_FIFO_MASKED;
constexpr u32 linked = 1u << EVTCHN_FIFO_LINKED;

class EventFifo : public EventGuests {
protected:
    s64 give_control(u64 gfn, u32 offset = 0, u32 vcpu = 0) {
        evtchn_init_control_t wish{};
        wish.control_gfn = gfn;
        wish.offset = offset;
        wish.vcpu = vcpu;
        const s64 result = op(guest, EVTCHNOP_init_control, wish);
        if (result == 0) {
            EXPECT_EQ(wish.link_bits, EVTCHN_FIFO_LINK_BITS);
        }
        return result;
    }
    s64 give_words(u64 gfn) {
        evtchn_expand_array_t wish{gfn};
        return op(guest, EVTCHNOP_expand_array, wish);
    }
    void use_fifo() {
        ASSERT_EQ(give_control(control_gfn), 0);
        ASSERT_EQ(give_words(words_gfn), 0);
    }
    s64 prioritise(u32 port, u32 priority) {
        evtchn_set_priority_t wish{port, priority};
        return op(guest, EVTCHNOP_set_priority, wish);
    }
    u32& word(u32 port) {
        return reinterpret_cast<u32*>(small.at(guest, words_gfn * page_size))[port];
    }
    evtchn_fifo_control_block_t& control() {
        return *reinterpret_cast<evtchn_fifo_control_block_t*>(
            small.at(guest, control_gfn * page_size));
    }

    FrameRow& machine_row(u64 gfn) {
        return small.machine().frames.row(guest.p2m.look_up(Gfn{gfn})->frame);
    }

    /// What the guest does with one queue: takes the first event out. 0: there was none.
    u32 take_from(unsigned queue) {
        u32& head = heads[queue];
        if (head == 0)
            head = control().head[queue];
        const u32 port = head;
        if (port == 0)
            return 0;
        const u32 was = word(port);
        word(port) = was & ~(linked | EVTCHN_FIFO_LINK_MASK);
        head = was & EVTCHN_FIFO_LINK_MASK;
        if (head == 0)
            control().ready &= ~(1u << queue);
        if (!(was & pending) || (was & masked))
            return port | not_for_us;
        word(port) &= ~pending;
        return port;
    }
    /// All events, the most urgent queue first.
    Ports take_all() {
        Ports found;
        guest.vcpus[0]->info->abi.evtchn_upcall_pending = 0;
        for (unsigned queue = 0; queue < EVTCHN_FIFO_MAX_QUEUES; ++queue)
            while (control().ready >> queue & 1) {
                const u32 port = take_from(queue);
                if (port == 0)
                    break;
                if (!(port & not_for_us))
                    found.push_back(port);
            }
        return found;
    }

    static constexpr u32 not_for_us = 1u << 31;
    std::array<u32, EVTCHN_FIFO_MAX_QUEUES> heads{};  // the guest's own
};

TEST_F(EventFifo, ComeInTheOrderOfRinging) {
    use_fifo();
    const u32 a = ipi(guest), b = ipi(guest), c = ipi(guest);
    for (const u32 port : {b, a, c, a})
        EXPECT_EQ(send(guest, port), 0);
    EXPECT_TRUE(upcall(guest));
    EXPECT_EQ(take_all(), (Ports{b, a, c}));
    EXPECT_TRUE(take_all().empty());
    EXPECT_EQ(send(guest, a), 0);
    EXPECT_EQ(take_all(), Ports{a});
}

TEST_F(EventFifo, TheUrgentFirst) {
    use_fifo();
    const u32 a = ipi(guest), b = ipi(guest), c = ipi(guest);
    EXPECT_EQ(prioritise(b, EVTCHN_FIFO_PRIORITY_MIN), 0);
    EXPECT_EQ(prioritise(c, EVTCHN_FIFO_PRIORITY_MAX), 0);
    EXPECT_EQ(prioritise(c, EVTCHN_FIFO_PRIORITY_MIN + 1), -XEN_EINVAL);
    for (const u32 port : {b, a, c})
        EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(take_all(), (Ports{c, a, b}));
}

TEST_F(EventFifo, CarryOverWhatWasRungBefore) {
    const u32 early = ipi(guest), later = ipi(guest);
    EXPECT_EQ(send(guest, early), 0);
    ASSERT_EQ(give_control(control_gfn), 0);
    EXPECT_EQ(send(guest, later), 0) << "before its word is there";
    ASSERT_EQ(give_words(words_gfn), 0);
    EXPECT_EQ(take_all(), (Ports{early, later}));
}

TEST_F(EventFifo, WaitBehindTheMask) {
    use_fifo();
    const u32 port = ipi(guest);
    word(port) |= masked;
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_FALSE(upcall(guest));
    EXPECT_EQ(unmask(guest, port), 0);
    EXPECT_TRUE(upcall(guest));
    EXPECT_EQ(take_all(), Ports{port});
}

/// A word that leaves one queue as its tail and enters another must not drag the first along.
TEST_F(EventFifo, ATailThatMovesLeavesItsOldQueueInOrder) {
    use_fifo();
    const u32 mover = ipi(guest), a = ipi(guest), b = ipi(guest);
    EXPECT_EQ(prioritise(b, 3), 0);
    EXPECT_EQ(send(guest, mover), 0);
    EXPECT_EQ(take_all(), Ports{mover});
    EXPECT_EQ(prioritise(mover, 3), 0);
    EXPECT_EQ(send(guest, mover), 0);
    EXPECT_EQ(send(guest, a), 0);
    EXPECT_EQ(send(guest, b), 0);
    EXPECT_EQ(take_all(), (Ports{mover, b, a}));
}

TEST_F(EventFifo, TheSameHoldsForAPortThatWasClosedMeanwhile) {
    use_fifo();
    const u32 mover = ipi(guest), a = ipi(guest), b = ipi(guest);
    EXPECT_EQ(prioritise(mover, 9), 0);
    EXPECT_EQ(send(guest, mover), 0);
    EXPECT_EQ(take_all(), Ports{mover});
    EXPECT_EQ(close(guest, mover), 0);
    ASSERT_EQ(ipi(guest), mover);
    EXPECT_EQ(prioritise(a, 9), 0);
    for (const u32 port : {mover, a, b})
        EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(take_all(), (Ports{mover, b, a}));
}

/// A vCPU that gave no control block has no queues; its events are not linked to nowhere.
TEST_F(EventFifo, WaitForTheControlBlockOfTheirVcpu) {
    use_fifo();
    guest.vcpu_limit = 2;
    ASSERT_TRUE(create_vcpu(guest, 1).ok());
    evtchn_bind_ipi_t wish{1, 0};
    ASSERT_EQ(op(guest, EVTCHNOP_bind_ipi, wish), 0);
    EXPECT_EQ(send(guest, wish.port), 0);
    EXPECT_FALSE(word(wish.port) & linked);
    ASSERT_EQ(give_control(0x48, 0, 1), 0);
    EXPECT_EQ(send(guest, wish.port), 0);
    EXPECT_TRUE(word(wish.port) & linked);
    EXPECT_EQ(reinterpret_cast<evtchn_fifo_control_block_t*>(small.at(guest, 0x48 * page_size))
                  ->head[EVTCHN_FIFO_PRIORITY_DEFAULT],
              wish.port);
}

TEST_F(EventFifo, RefuseBadPages) {
    EXPECT_EQ(give_words(words_gfn), -XEN_EOPNOTSUPP) << "two-level still";
    EXPECT_EQ(give_control(0x99999), -XEN_EINVAL) << "not RAM";
    EXPECT_EQ(give_control(~0ull), -XEN_EINVAL);
    EXPECT_EQ(give_control(control_gfn, 4), -XEN_EINVAL) << "not aligned";
    EXPECT_EQ(give_control(control_gfn, page_size - 64), -XEN_EINVAL) << "crosses the page";
    EXPECT_EQ(give_control(control_gfn, 0, 1), -XEN_ENOENT);
    EXPECT_EQ(give_control(control_gfn, 0, ~0u), -XEN_ENOENT);
    EXPECT_EQ(give_control(control_gfn), 0);
    EXPECT_EQ(give_control(control_gfn), -XEN_EINVAL) << "twice";
    for (u64 i = 0; i < 4; ++i)
        EXPECT_EQ(give_words(words_gfn + i), 0);
    EXPECT_EQ(give_words(words_gfn + 4), -XEN_ENOSPC);
    EXPECT_EQ(machine_row(words_gfn + 4).uses, 2u) << "what was refused is let go";
}

TEST_F(EventFifo, ResetLetsEveryPageGo) {
    use_fifo();
    const u32 port = ipi(guest);
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(machine_row(words_gfn).uses, 3u);
    evtchn_reset_t wish{DOMID_SELF};
    EXPECT_EQ(op(guest, EVTCHNOP_reset, wish), 0);
    EXPECT_EQ(machine_row(words_gfn).uses, 2u);
    EXPECT_EQ(machine_row(control_gfn).uses, 2u);
    EXPECT_EQ(send(guest, port), -XEN_EINVAL);
    EXPECT_EQ(ipi(guest), port);
    word(port) = 0;  // a guest begins with clean pages
    heads = {};
    use_fifo();
    EXPECT_EQ(send(guest, port), 0);
    EXPECT_EQ(take_all(), Ports{port});
}

TEST_F(EventFifo, PagesThatTheGuestGaveUpStayUntilItDies) {
    const u64 before = small.machine().frames.free_count();
    Domain& third = small.add_domain();
    const DomainId id = third.id;
    evtchn_init_control_t wish{};
    wish.control_gfn = control_gfn;
    ASSERT_EQ(op(third, EVTCHNOP_init_control, wish), 0);
    const Mfn frame = third.p2m.look_up(Gfn{control_gfn})->frame;
    {
        Quarantine quarantine{third};
        ASSERT_TRUE(take_ram(third, Gfn{control_gfn}, 0, quarantine).ok());
    }
    EXPECT_EQ(small.machine().frames.row(frame).uses, 1u) << "still ours to write to";
    const u32 port = ipi(third);
    EXPECT_EQ(send(third, port), 0);
    auto end = domctl_of(XEN_DOMCTL_destroydomain, id);
    EXPECT_EQ(small.domctl(dom0, end), 0);
    EXPECT_FALSE(find_domain(small.machine(), id));
    EXPECT_EQ(small.machine().frames.free_count(), before);
}

/// The guest scribbles over its words and its control block while events come: its own events may
/// be lost, but nothing outside of its pages changes, and the hypervisor always comes back.
TEST_F(EventFifo, HostilePagesHarmNobodyElse) {
    use_fifo();
    Ports ports;
    for (unsigned i = 0; i < 40; ++i)
        ports.push_back(ipi(guest));
    const u32 offered = unbound(guest, dom0.id);
    u32 far = 0;
    ASSERT_EQ(bind(dom0, guest.id, offered, far), 0);

    std::vector<u8> neighbours(2 * page_size, 0x77);
    __builtin_memcpy(small.at(guest, 0x3f000), neighbours.data(), page_size);
    __builtin_memcpy(small.at(guest, 0x42000), neighbours.data(), page_size);
    std::mt19937 dice{1975};
    for (unsigned round = 0; round < 20'000; ++round) {
        const u32 port = ports[dice() % ports.size()];
        switch (dice() % 7) {
        case 0: word(dice() % 1024) = dice(); break;
        case 1: word(port) ^= 1u << dice() % 32; break;
        case 2: control().head[dice() % EVTCHN_FIFO_MAX_QUEUES] = dice(); break;
        case 3: control().ready = dice(); break;
        case 4: (void)prioritise(port, dice() % 18); break;
        case 5: (void)unmask(guest, port); break;
        default: break;
        }
        EXPECT_EQ(send(guest, port), 0);
        EXPECT_EQ(send(dom0, far), 0);
    }
    EXPECT_EQ(__builtin_memcmp(small.at(guest, 0x3f000), neighbours.data(), page_size), 0);
    EXPECT_EQ(__builtin_memcmp(small.at(guest, 0x42000), neighbours.data(), page_size), 0);
    EXPECT_EQ(status(dom0, far), u32{EVTCHNSTAT_interdomain});
}

/// Random events and priorities: none is lost, none comes twice, as long as the guest is honest.
TEST_F(EventFifo, NothingIsLostByAnHonestGuest) {
    use_fifo();
    Ports ports;
    for (unsigned i = 0; i < 20; ++i)
        ports.push_back(ipi(guest));
    std::mt19937 dice{1976};
    std::set<u32> rung;
    for (unsigned round = 0; round < 6'000; ++round) {
        const u32 port = ports[dice() % ports.size()];
        if (dice() % 4 == 0) {
            EXPECT_EQ(prioritise(port, dice() % 16), 0);
        }
        EXPECT_EQ(send(guest, port), 0);
        rung.insert(port);
        if (dice() % 5 == 0) {
            const Ports taken = take_all();
            ASSERT_EQ(std::set<u32>(taken.begin(), taken.end()), rung) << "round " << round;
            ASSERT_EQ(taken.size(), rung.size());
            rung.clear();
        }
    }
}

}  // namespace
