// Event channels of guests that mean harm: every operation, asked with whatever comes to mind.
#include <random>
#include <unit/events_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class AnyEventOperation : public EventGuests {
protected:
    u64 odd() {
        static constexpr u64 numbers[] = {0, 1, 2, 31, 32, 40, 0x41, 512, 1023, 1024, 4095, 4096,
                                          0x7ff0, 0x7ff4, 0xffff, 0x10000, 0x7fff'ffff, ~0u,
                                          1ull << 40, ~0ull};
        return dice() % 3 ? dice() % 12 : numbers[dice() % std::size(numbers)];
    }
    /// No field of any of the operations is wider than eight bytes, and most have four or two.
    void write_wish(Domain& caller) {
        u64 words[4];
        for (u64& word : words)
            switch (dice() % 3) {
            case 0: word = odd(); break;
            case 1: word = (odd() & ~0u) | odd() << 32; break;
            default: word = (odd() & 0xffff) | (odd() & 0xffff) << 16 | odd() << 32;
            }
        small.put(caller, argument_at, words);
    }
    /// What is joined is joined at both ends, and what is bound to a VIRQ is known as its port.
    void expect_agreement() {
        Domain* const domains[] = {&dom0, &guest};
        for (Domain* domain : domains)
            for (u32 port = 1; port < 1024; ++port) {
                const EventPort* const row = events_of(*domain).find(port);
                if (row == nullptr)
                    break;
                ASSERT_NE(row->state, EventPort::State::reserved);
                if (row->state == EventPort::State::virq) {
                    ASSERT_EQ(events_of(*domain->vcpus[row->vcpu]).virq_ports[row->detail], port);
                }
                if (row->state != EventPort::State::interdomain)
                    continue;
                const EventPort* const end = events_of(*domains[row->remote]).find(row->detail);
                ASSERT_NE(end, nullptr);
                ASSERT_EQ(end->state, EventPort::State::interdomain);
                ASSERT_EQ(end->detail, port);
                joined = true;
            }
    }

    std::mt19937 dice{1969};
    bool joined = false;
};

TEST_F(AnyEventOperation, LeavesBothEndsInAgreement) {
    const u64 before = small.machine().frames.free_count();
    std::set<s64> answers;
    for (unsigned round = 0; round < 30'000; ++round) {
        Domain& caller = dice() % 2 ? dom0 : guest;
        write_wish(caller);
        // Resets are rare, or nothing would ever grow
        const u32 operation = dice() % 15;
        const bool resets = operation == EVTCHNOP_reset && dice() % 64 != 0;
        const s64 result = ask(caller, resets ? u32{EVTCHNOP_send} : operation);
        ASSERT_LE(result, 0);
        answers.insert(result);
        if (round % 16 == 0) {
            ASSERT_NO_FATAL_FAILURE(expect_agreement());
        }
    }
    EXPECT_TRUE(joined) << "some of it must have been right";
    for (const s64 answer : {0, -XEN_EINVAL, -XEN_ENOSYS, -XEN_ENOENT, -XEN_ESRCH, -XEN_EEXIST})
        EXPECT_TRUE(answers.contains(answer)) << answer;
    const DomainRef held = find_domain(small.machine(), guest.id);
    while (destroy(small.cpu(), guest) == Progress::again)
        ;
    EXPECT_GE(small.machine().frames.free_count() + 1, before) << "dom0's page of ports stays";
}

}  // namespace
