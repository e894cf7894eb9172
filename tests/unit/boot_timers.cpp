// Timers: nearest first, each once, moved and cancelled, and set again from their own action.
#include <boot/hosted/twin.hpp>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

namespace hv {
namespace {

struct Noting : Timer {
    Noting(std::vector<int>& where, int what)
        : Timer{[](Timer& timer, Cpu&) {
              auto& self = static_cast<Noting&>(timer);
              self.log.push_back(self.number);
          }},
          log{where}, number{what} {}
    std::vector<int>& log;
    int number;
};

class BootTimers : public testing::Test {
protected:
    BootTimers() : machine{std::make_unique<Machine>()} {
        machine->clock.calibrate(1'000'000'000);
        for (Cpu* each : {&cpu, &other})
            each->machine = machine.get();
        play(&cpu);
    }
    ~BootTimers() override { play(nullptr); }

    void run_at(u64 ns) {
        machine->clock.hosted_ticks = ns;
        cpu.timers.run_due(cpu);
    }

    std::unique_ptr<Machine> machine;
    Cpu cpu, other;
    std::vector<int> log;
};

TEST_F(BootTimers, FireInOrderOfTheirDeadlines) {
    Noting a{log, 1}, b{log, 2}, c{log, 3};
    cpu.timers.arm(cpu, a, 3000);
    cpu.timers.arm(cpu, b, 1000);
    cpu.timers.arm(cpu, c, 2000);
    EXPECT_EQ(cpu.timers.programmed(), 1000u);
    run_at(999);
    EXPECT_TRUE(log.empty());
    run_at(2500);
    EXPECT_EQ(log, (std::vector{2, 3}));
    EXPECT_EQ(cpu.timers.programmed(), 3000u);
    run_at(9000);
    EXPECT_EQ(log, (std::vector{2, 3, 1}));
    EXPECT_EQ(cpu.timers.programmed(), TimerQueue::never);
    EXPECT_EQ(a.armed_on, nullptr);
}

TEST_F(BootTimers, ArmingAgainMovesAndCancellingRemoves) {
    Noting a{log, 1}, b{log, 2};
    cpu.timers.arm(cpu, a, 1000);
    cpu.timers.arm(cpu, a, 5000);
    cpu.timers.arm(cpu, b, 2000);
    cpu.timers.cancel(b);
    cpu.timers.cancel(b);
    run_at(4000);
    EXPECT_TRUE(log.empty());
    run_at(6000);
    EXPECT_EQ(log, (std::vector{1}));
}

TEST_F(BootTimers, ATimerMovesWithWhoeverArmsIt) {
    Noting a{log, 1};
    other.timers.arm(other, a, 1000);
    EXPECT_EQ(a.armed_on, &other);
    cpu.timers.arm(cpu, a, 1000);
    EXPECT_EQ(a.armed_on, &cpu);
    machine->clock.hosted_ticks = 2000;
    other.timers.run_due(other);
    EXPECT_TRUE(log.empty());
    cpu.timers.run_due(cpu);
    EXPECT_EQ(log, (std::vector{1}));
}

TEST_F(BootTimers, AnActionMayArmItsTimerAgain) {
    struct Ticking : Timer {
        Ticking() : Timer{[](Timer& timer, Cpu& here) {
            ++static_cast<Ticking&>(timer).count;
            here.timers.arm(here, timer, timer.deadline + 100);
        }} {}
        int count = 0;
    } ticking;
    cpu.timers.arm(cpu, ticking, 100);
    run_at(1000);
    EXPECT_EQ(ticking.count, 10);
    cpu.timers.cancel(ticking);
    run_at(5000);
    EXPECT_EQ(ticking.count, 10);
}

TEST_F(BootTimers, ACancelThatComesTooLateTouchesNoOtherQueue) {
    Noting a{log, 1}, b{log, 2};
    cpu.timers.arm(cpu, b, 5000);
    other.timers.arm(other, a, 1000);
    a.home = &cpu;  // as a canceller saw it before the timer moved
    TimerQueue::cancel(a);
    EXPECT_EQ(a.armed_on, &other);
    machine->clock.hosted_ticks = 6000;
    other.timers.run_due(other);
    cpu.timers.run_due(cpu);
    EXPECT_EQ(log, (std::vector{1, 2}));
}

TEST_F(BootTimers, NoDeadlineIsTooFarForTheHardware) {
    Noting a{log, 1};
    for (const u64 deadline : {~0ull - 1, 1ull << 63, 1ull << 62}) {
        cpu.timers.arm(cpu, a, deadline);
        constexpr u64 ticks_per_ns = 8;
        EXPECT_LE(cpu.timers.programmed(), ~0ull / ticks_per_ns) << "in ticks it fits in 64 bits";
        cpu.timers.cancel(a);
        run_at(0);
    }
}

}  // namespace
}  // namespace hv
