// A virtual local APIC: priorities, ends of interrupt, its modes, its timer, and its messages.
#include <domains/local_apic.hpp>
#include <random>
#include <set>
#include <unit/small_machine.hpp>
#include <x86/msr.hpp>

using namespace hv;
using namespace hv::test;

namespace {

enum Register : u32 {
    id_register = 0x20, version = 0x30, task_priority = 0x80, processor_priority = 0xa0, eoi = 0xb0,
    logical_destination = 0xd0, spurious = 0xf0, command_low = 0x300, command_high = 0x310,
    lvt_timer = 0x320, timer_initial = 0x380, timer_current = 0x390, timer_divide = 0x3e0,
};
constexpr u64 enabled_x2apic = LocalApic::page_address | x86::APIC_BASE_EN | x86::APIC_BASE_EXTD;
constexpr u32 msr_of(u32 offset) { return x86::IA32_X2APIC_FIRST + (offset >> 4); }

/// A guest of four vCPUs; vCPU 0 is up and its APIC is on.
class LocalApicTest : public ::testing::Test {
protected:
    LocalApicTest() {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 4;
        domain = std::move(*create_domain(small.machine(), small.cpu(), 0, wish));
        for (u16 id = 0; id < 4; ++id) {
            vcpus[id] = *create_vcpu(*domain, id);
            vcpus[id]->apic.write_register(spurious, 0x1ff);
        }
    }
    ~LocalApicTest() noexcept override {
        while (destroy(small.cpu(), *domain) == Progress::again)
            ;
    }

    LocalApic& apic(u16 id = 0) { return vcpus[id]->apic; }
    /// Takes what can be delivered now; -1: nothing.
    int take(u16 id = 0) {
        const int vector = apic(id).deliverable();
        if (vector >= 0)
            apic(id).accept(static_cast<u8>(vector));
        return vector;
    }
    void at_time(u64 ns) {
        small.machine().clock.hosted_ticks = ns * 24 / 10 + 3;
        small.cpu().timers.run_due(small.cpu());
    }

    SmallMachine small;
    DomainRef domain;
    std::array<Vcpu*, 4> vcpus{};
};

TEST_F(LocalApicTest, LeavesDeliveryToACpuThatCanDoIt) {
    const bool& by_cpu = vcpus[0]->hardware.interrupts_delivered_by_cpu;
    ASSERT_TRUE(apic().set_base(enabled_x2apic).ok());
    EXPECT_FALSE(by_cpu) << "this machine's CPU cannot";
    small.machine().capabilities.virtual_interrupts = true;
    apic().write_register(spurious, 0x1ff);
    EXPECT_TRUE(by_cpu);
    apic().write_register(spurious, 0xff);
    EXPECT_FALSE(by_cpu) << "the guest has switched its APIC off";
    apic().write_register(spurious, 0x1ff);
    apic().reset();
    EXPECT_FALSE(by_cpu) << "INIT has switched it off";
    ASSERT_TRUE(apic(1).set_base(enabled_x2apic).ok());
    EXPECT_TRUE(vcpus[1]->hardware.interrupts_delivered_by_cpu);
}

TEST_F(LocalApicTest, FindsWhatACpuThatDeliversHasRequestedUnseen) {
    ASSERT_TRUE(apic().set_base(enabled_x2apic).ok());
    small.machine().capabilities.virtual_interrupts = true;
    apic().write_register(spurious, 0x1ff);
    ASSERT_EQ(apic().deliverable(), -1);
    constexpr u32 request = 0x200, vector = 0x61;
    auto* const word = const_cast<u8*>(apic().page()) + request + vector / 32 * 0x10;
    *reinterpret_cast<u32*>(word) = 1u << vector % 32;
    EXPECT_EQ(apic().deliverable(), 0x61) << "a self-IPI does not exit there";
}

TEST_F(LocalApicTest, FindsWhatIsRaisedAfterALookThatFoundNothing) {
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(take(), -1);
        apic().raise(0x41);
        EXPECT_EQ(take(), 0x41);
        apic().write_register(eoi, 0);
    }
}

TEST_F(LocalApicTest, DeliversTheHighestFirst) {
    for (const u8 vector : {u8{0x31}, u8{0xf3}, u8{0x80}, u8{0x32}})
        apic().raise(vector);
    EXPECT_EQ(take(), 0xf3);
    EXPECT_EQ(take(), -1) << "nothing is above what is served";
    EXPECT_EQ(apic().read_register(processor_priority), 0xf0u);
    apic().write_register(eoi, 0);
    EXPECT_EQ(take(), 0x80);
    apic().write_register(eoi, 0);
    EXPECT_EQ(take(), 0x32);
    EXPECT_EQ(take(), -1) << "0x31 is of the same class";
    apic().write_register(eoi, 0);
    EXPECT_EQ(take(), 0x31);
    apic().write_register(eoi, 0);
    apic().write_register(eoi, 0);
    EXPECT_EQ(take(), -1);
}

TEST_F(LocalApicTest, NestsByPriorityClass) {
    apic().raise(0x41);
    EXPECT_EQ(take(), 0x41);
    apic().raise(0x4f);
    EXPECT_EQ(take(), -1);
    apic().raise(0x51);
    EXPECT_EQ(take(), 0x51);
    apic().write_register(eoi, 0);
    EXPECT_EQ(take(), -1) << "0x41 is still served";
    apic().write_register(eoi, 0);
    EXPECT_EQ(take(), 0x4f);
}

TEST_F(LocalApicTest, HoldsBackWhatTheTaskOutranks) {
    apic().write_register(task_priority, 0x50);
    apic().raise(0x5e);
    EXPECT_EQ(take(), -1);
    EXPECT_EQ(apic().read_register(processor_priority), 0x50u);
    apic().raise(0x61);
    EXPECT_EQ(take(), 0x61);
    apic().write_register(eoi, 0);
    vcpus[0]->attention = 0;
    apic().write_register(task_priority, 0x4f);
    EXPECT_TRUE(vcpus[0]->attention & attention_interrupt);
    EXPECT_EQ(take(), 0x5e);
}

TEST_F(LocalApicTest, AnUpcallThatCameWhileItWasOffComesWhenItIsOn) {
    PlacedVcpuInfo info{};
    info.abi.evtchn_upcall_pending = 1;
    vcpus[0]->info = &info;
    vcpus[0]->upcall_vector = 0xf3;
    apic().write_register(spurious, 0xff);
    EXPECT_EQ(take(), -1);
    apic().write_register(spurious, 0x1ff);
    EXPECT_EQ(take(), 0xf3);
    vcpus[0]->info = nullptr;
}

TEST_F(LocalApicTest, KeepsQuietWhileItIsOff) {
    apic().write_register(spurious, 0xff);
    apic().raise(0x40);
    EXPECT_EQ(take(), -1);
    apic().write_register(spurious, 0x1ff);
    EXPECT_EQ(take(), -1) << "what came while it was off is lost";
    apic().raise(0x40);
    EXPECT_EQ(take(), 0x40);
    apic().raise(0x0f);
    EXPECT_EQ(take(), -1) << "vectors below 16 are no interrupts";
}

TEST_F(LocalApicTest, WakesASleeper) {
    vcpus[0]->blocked = Blocked::for_interrupt;
    apic().raise(0x40);
    EXPECT_EQ(vcpus[0]->blocked, Blocked::no);
}

TEST_F(LocalApicTest, ChangesItsModeByTheRules) {
    EXPECT_EQ(apic(1).base(), LocalApic::page_address | x86::APIC_BASE_EN);
    EXPECT_EQ(apic().base() & x86::APIC_BASE_BSP, u64{x86::APIC_BASE_BSP});
    EXPECT_EQ(apic(1).read_register(id_register), 2u << 24);
    EXPECT_FALSE(apic(1).read_msr(msr_of(id_register)).ok()) << "no MSRs in xAPIC mode";
    ASSERT_TRUE(apic(1).set_base(enabled_x2apic).ok());
    EXPECT_TRUE(apic(1).x2apic());
    EXPECT_EQ(*apic(1).read_msr(msr_of(id_register)), 2u);
    EXPECT_EQ(*apic(1).read_msr(msr_of(logical_destination)), 1u << 2);
    EXPECT_FALSE(apic(1).set_base(LocalApic::page_address | x86::APIC_BASE_EN).ok())
        << "back to xAPIC only through off";
    EXPECT_FALSE(apic(1).set_base(LocalApic::page_address | x86::APIC_BASE_EXTD).ok());
    ASSERT_TRUE(apic(1).set_base(LocalApic::page_address).ok());
    EXPECT_FALSE(apic(1).enabled());
}

TEST_F(LocalApicTest, FaultsWhereX2apicDoes) {
    ASSERT_TRUE(apic().set_base(enabled_x2apic).ok());
    EXPECT_FALSE(apic().write_msr(msr_of(eoi), 1).ok()) << "only zero";
    EXPECT_FALSE(apic().write_msr(msr_of(id_register), 0).ok()) << "read-only";
    EXPECT_FALSE(apic().write_msr(msr_of(version), 0).ok());
    EXPECT_FALSE(apic().write_msr(msr_of(task_priority), 1ull << 32).ok());
    EXPECT_FALSE(apic().read_msr(msr_of(eoi)).ok()) << "write-only";
    EXPECT_FALSE(apic().read_msr(0x8ff).ok());
    EXPECT_TRUE(apic().write_msr(msr_of(task_priority), 0x20).ok());
    EXPECT_EQ(*apic().read_msr(msr_of(task_priority)), 0x20u);
}

TEST_F(LocalApicTest, CountsDownOnce) {
    apic().write_register(lvt_timer, 0x40);
    apic().write_register(timer_divide, 0b1011);  // by 1
    apic().write_register(timer_initial, 1000);   // of 10 ns
    at_time(4000);
    EXPECT_NEAR(apic().read_register(timer_current), 600, 1);
    EXPECT_EQ(take(), -1);
    at_time(10'000);
    EXPECT_EQ(take(), 0x40);
    EXPECT_EQ(apic().read_register(timer_current), 0u);
    apic().write_register(eoi, 0);
    at_time(50'000);
    EXPECT_EQ(take(), -1);
}

TEST_F(LocalApicTest, CountsDownAgainAndAgain) {
    apic().write_register(lvt_timer, 1 << 17 | 0x40);
    apic().write_register(timer_divide, 0b0000);  // by 2
    apic().write_register(timer_initial, 500);
    for (u64 turn = 1; turn < 5; ++turn) {
        at_time(turn * 10'000 - 100);
        EXPECT_EQ(take(), -1) << turn;
        at_time(turn * 10'000);
        EXPECT_EQ(take(), 0x40) << turn;
        apic().write_register(eoi, 0);
    }
    apic().write_register(timer_initial, 0);
    at_time(100'000);
    EXPECT_EQ(take(), -1) << "stopped";
}

TEST_F(LocalApicTest, AMaskedTimerIsSilent) {
    apic().write_register(timer_initial, 100);
    at_time(1'000'000);
    EXPECT_EQ(take(), -1);
}

TEST_F(LocalApicTest, SendsToOneToAllAndToTheOthers) {
    apic().write_register(command_high, 4u << 24);  // the APIC of vCPU 2
    apic().write_register(command_low, 0x50);
    EXPECT_EQ(take(2), 0x50);
    EXPECT_FALSE(apic().read_register(command_low) & 1 << 12) << "sent at once";
    apic().write_register(command_low, 3 << 18 | 0x51);
    for (u16 id = 0; id < 4; ++id)
        EXPECT_EQ(take(id), id == 0 || id == 2 ? -1 : 0x51) << "of one class with 0x50 on vCPU 2";
    apic().write_register(command_low, 1 << 18 | 0x62);
    EXPECT_EQ(take(0), 0x62);
    apic().write_register(command_low, 2 << 18 | 0x73);
    for (u16 id = 0; id < 4; ++id)
        EXPECT_EQ(take(id), 0x73);
}

TEST_F(LocalApicTest, SendsByLogicalName) {
    for (u16 id = 0; id < 4; ++id)
        apic(id).write_register(logical_destination, 1u << (24 + id));
    apic().write_register(command_high, 0b1010u << 24);
    apic().write_register(command_low, 1 << 11 | 0x55);
    for (u16 id = 0; id < 4; ++id)
        EXPECT_EQ(take(id), id % 2 ? 0x55 : -1);
}

TEST_F(LocalApicTest, SendsByX2apicName) {
    for (u16 id = 0; id < 4; ++id)
        ASSERT_TRUE(apic(id).set_base(enabled_x2apic).ok());
    EXPECT_TRUE(apic().write_msr(msr_of(command_low), u64{6} << 32 | 0x60).ok());
    EXPECT_EQ(take(3), 0x60);
    EXPECT_TRUE(apic().write_msr(msr_of(command_low), u64{1 << 4} << 32 | 1 << 11 | 0x61).ok());
    EXPECT_EQ(take(2), 0x61);
    EXPECT_TRUE(apic().write_msr(0x83f, 0x62).ok());  // to itself
    EXPECT_EQ(take(0), 0x62);
    EXPECT_TRUE(apic().write_msr(msr_of(command_low), 0xffffffffull << 32 | 0x73).ok());
    for (u16 id = 0; id < 4; ++id)
        EXPECT_EQ(take(id), 0x73);
}

TEST_F(LocalApicTest, StartsAnotherProcessor) {
    apic().write_register(command_high, 2u << 24);
    apic().write_register(command_low, 6 << 8 | 0x9a);
    EXPECT_TRUE(vcpus[1]->down) << "no INIT came before";
    apic().write_register(command_low, 5 << 8);
    apic().write_register(command_low, 6 << 8 | 0x9a);
    EXPECT_FALSE(vcpus[1]->down);
    x86::CpuState state;
    small.machine().engine->read_state(vcpus[1]->hardware, state);
    EXPECT_EQ(state.cs.base, 0x9a000u);
    EXPECT_EQ(state.cs.selector, 0x9a00u);
    EXPECT_EQ(state.rip, 0u);
    apic().write_register(command_low, 6 << 8 | 0x10);
    small.machine().engine->read_state(vcpus[1]->hardware, state);
    EXPECT_EQ(state.cs.base, 0x9a000u) << "one that runs is left alone";
    apic().write_register(command_low, 4 << 8);
    EXPECT_TRUE(vcpus[1]->attention & attention_nmi);
}

TEST_F(LocalApicTest, StartsAProcessorAgainWithNothingPending) {
    ASSERT_TRUE(apic(1).set_base(enabled_x2apic).ok());
    apic(1).write_register(spurious, 0x1ff);
    apic(1).raise(0xf3);
    apic(1).write_register(lvt_timer, 0x40);
    apic(1).write_register(timer_initial, 1000);
    apic().write_register(command_high, 2u << 24);
    apic().write_register(command_low, 5 << 8);
    apic().write_register(command_low, 6 << 8 | 0x9a);
    EXPECT_FALSE(vcpus[1]->down);
    apic(1).write_register(spurious, 0x1ff);
    at_time(1'000'000);
    EXPECT_EQ(take(1), -1);
    EXPECT_TRUE(apic(1).x2apic()) << "INIT leaves the mode as it is";
    EXPECT_EQ(*apic(1).read_msr(msr_of(id_register)), 2u);
    EXPECT_EQ(apic(1).read_register(id_register), 2u);
}

/// Against the rule itself: the highest of the set, if its class is above all that is served.
TEST_F(LocalApicTest, AgreesWithTheRuleInAnyOrder) {
    std::mt19937 dice{1993};
    std::set<int> waiting, served;
    u32 task = 0;
    for (unsigned round = 0; round < 20'000; ++round) {
        switch (dice() % 4) {
        case 0: {
            const auto vector = static_cast<u8>(16 + dice() % 240);
            apic().raise(vector);
            waiting.insert(vector);
            break;
        }
        case 1:
            apic().write_register(eoi, 0);
            if (!served.empty())
                served.erase(*served.rbegin());
            break;
        case 2:
            task = dice() % 256;
            apic().write_register(task_priority, task);
            break;
        default: {
            const int serving = served.empty() ? 0 : *served.rbegin();
            const int floor = std::max(static_cast<int>(task), serving);
            const int best = waiting.empty() ? -1 : *waiting.rbegin();
            const int expected = best >> 4 > floor >> 4 ? best : -1;
            ASSERT_EQ(take(), expected) << "round " << round;
            if (expected >= 0) {
                waiting.erase(expected);
                served.insert(expected);
            }
        }
        }
    }
}

}  // namespace
