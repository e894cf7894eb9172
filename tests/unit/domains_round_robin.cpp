// Round robin: equal turns for all who wait, pCPUs woken for them, and affinity kept.
#include <map>
#include <unit/small_machine.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class RoundRobinTest : public ::testing::Test {
protected:
    Scheduler& scheduler() { return *household(small.machine()).scheduler; }
    Cpu& cpu(size_t number) { return *small.machine().cpus[number]; }
    std::vector<Vcpu*> runnable(unsigned count) {
        std::vector<Vcpu*> made;
        for (unsigned i = 0; i < count; ++i) {
            Domain& domain = small.add_domain();
            made.push_back(domain.vcpus[0]);
            EXPECT_TRUE(unpause(domain).ok());
        }
        return made;
    }

    SmallMachine small{64 * MiB, 2};
};

TEST_F(RoundRobinTest, GivesEqualTurnsInOrder) {
    const auto vcpus = runnable(5);
    for (unsigned turn = 0; turn < 50; ++turn) {
        const Choice choice = scheduler().choose(cpu(0));
        ASSERT_EQ(choice.vcpu, vcpus[turn % 5]);
        EXPECT_EQ(choice.slice, 10'000'000u);
        scheduler().put_back(cpu(0), *choice.vcpu);
    }
}

TEST_F(RoundRobinTest, SharesOverAllPcpus) {
    const auto vcpus = runnable(3);
    std::map<Vcpu*, unsigned> turns;
    for (unsigned turn = 0; turn < 300; ++turn) {
        Vcpu* const here = scheduler().choose(cpu(0)).vcpu;
        Vcpu* const there = scheduler().choose(cpu(1)).vcpu;
        ASSERT_NE(here, nullptr);
        ASSERT_NE(there, nullptr);
        ASSERT_NE(here, there) << "never on two at once";
        ++turns[here];
        ++turns[there];
        EXPECT_TRUE(scheduler().anyone_waiting(cpu(0)));
        scheduler().put_back(cpu(0), *here);
        scheduler().put_back(cpu(1), *there);
    }
    for (Vcpu* vcpu : vcpus)
        EXPECT_EQ(turns[vcpu], 200u);
}

TEST_F(RoundRobinTest, OneThatSleepsLosesItsPlaceAndNoMore) {
    const auto vcpus = runnable(3);
    vcpus[1]->blocked = Blocked::for_interrupt;
    scheduler().sleep(*vcpus[1]);
    for (Vcpu* expected : {vcpus[0], vcpus[2], vcpus[0]}) {
        Vcpu* const next = scheduler().choose(cpu(0)).vcpu;
        ASSERT_EQ(next, expected);
        scheduler().put_back(cpu(0), *next);
    }
    unblock(*vcpus[1]);
    unblock(*vcpus[1]);
    for (Vcpu* expected : {vcpus[2], vcpus[0], vcpus[1], vcpus[2]}) {
        Vcpu* const next = scheduler().choose(cpu(0)).vcpu;
        ASSERT_EQ(next, expected) << "woken twice, it stands in the queue once";
        scheduler().put_back(cpu(0), *next);
    }
}

TEST_F(RoundRobinTest, CountsTheWaitAfterAWakeUpAsStolenNotAsSleep) {
    const auto vcpus = runnable(2);
    Vcpu& sleeper = *vcpus[1];
    Clock& clock = small.machine().clock;
    const auto pass = [&](u64 ms) { clock.hosted_ticks += clock.to_ticks(ms * 1'000'000); };
    sleeper.blocked = Blocked::for_interrupt;
    scheduler().sleep(sleeper);
    account(sleeper, RUNSTATE_blocked, clock.now());
    pass(30);
    unblock(sleeper);
    pass(20);
    unblock(sleeper);
    account(sleeper, RUNSTATE_running, clock.now());
    EXPECT_NEAR(sleeper.runstate.time[RUNSTATE_blocked], 30e6, 1e3);
    EXPECT_NEAR(sleeper.runstate.time[RUNSTATE_runnable], 20e6, 1e3);
}

TEST_F(RoundRobinTest, WakesAnIdlePcpuAndTheOneItKnows) {
    EXPECT_EQ(scheduler().choose(cpu(0)).vcpu, nullptr);
    EXPECT_EQ(scheduler().choose(cpu(1)).vcpu, nullptr);
    Domain& domain = small.add_domain();
    domain.vcpus[0]->cpu = 1;
    EXPECT_TRUE(unpause(domain).ok());
    EXPECT_EQ(cpu(0).asks.load(), 0u);
    EXPECT_TRUE(cpu(1).asks.load() & ask_reschedule) << "where its cache is warm";
    runnable(1);
    EXPECT_TRUE(cpu(0).asks.load() & ask_reschedule) << "the other one is still idle";
}

TEST_F(RoundRobinTest, LetsDom0InAtOnceWhenItWakes) {
    const auto vcpus = runnable(3);
    vcpus[2]->domain.privileged = true;
    vcpus[2]->blocked = Blocked::for_interrupt;
    scheduler().sleep(*vcpus[2]);
    ASSERT_EQ(scheduler().choose(cpu(0)).vcpu, vcpus[0]);
    cpu(0).asks = 0;
    unblock(*vcpus[2]);
    EXPECT_TRUE(cpu(0).asks.load() & ask_reschedule) << "the turn of the other ends";
    scheduler().put_back(cpu(0), *vcpus[0]);
    for (Vcpu* expected : {vcpus[2], vcpus[1], vcpus[0], vcpus[2]}) {
        Vcpu* const next = scheduler().choose(cpu(0)).vcpu;
        ASSERT_EQ(next, expected) << "its turn over, it waits like all others";
        scheduler().put_back(cpu(0), *next);
    }
}

TEST_F(RoundRobinTest, EndsATurnForDom0OnlyWhereItMayRun) {
    const auto vcpus = runnable(3);
    vcpus[2]->domain.privileged = true;
    vcpus[2]->blocked = Blocked::for_interrupt;
    vcpus[2]->cpu = 0;
    vcpus[2]->affinity = 1 << 1;
    scheduler().sleep(*vcpus[2]);
    ASSERT_EQ(scheduler().choose(cpu(0)).vcpu, vcpus[0]);
    ASSERT_EQ(scheduler().choose(cpu(1)).vcpu, vcpus[1]);
    cpu(0).asks = cpu(1).asks = 0;
    unblock(*vcpus[2]);
    EXPECT_EQ(cpu(0).asks.load(), 0u) << "it ran here last, and may not now";
    EXPECT_TRUE(cpu(1).asks.load() & ask_reschedule);
}

TEST_F(RoundRobinTest, KeepsToTheAffinity) {
    const auto vcpus = runnable(2);
    vcpus[0]->affinity = 1 << 1;
    EXPECT_EQ(scheduler().choose(cpu(0)).vcpu, vcpus[1]);
    EXPECT_FALSE(scheduler().anyone_waiting(cpu(0)));
    EXPECT_TRUE(scheduler().anyone_waiting(cpu(1)));
    EXPECT_EQ(scheduler().choose(cpu(1)).vcpu, vcpus[0]);
}

TEST_F(RoundRobinTest, TakesARunningOneOffItsPcpu) {
    const auto vcpus = runnable(1);
    ASSERT_EQ(scheduler().choose(cpu(1)).vcpu, vcpus[0]);
    cpu(1).asks = 0;
    pause(vcpus[0]->domain);
    EXPECT_TRUE(cpu(1).asks.load() & ask_reschedule);
    EXPECT_FALSE(stands_still(vcpus[0]->domain));
    scheduler().put_back(cpu(1), *vcpus[0]);
    EXPECT_TRUE(stands_still(vcpus[0]->domain));
    EXPECT_EQ(scheduler().choose(cpu(1)).vcpu, nullptr) << "paused, it does not wait";
}

TEST_F(RoundRobinTest, AccountsWhoIsHeldInTheQueueAsOffline) {
    const auto vcpus = runnable(1);
    ASSERT_EQ(vcpus[0]->runstate.state, RUNSTATE_runnable);
    pause(vcpus[0]->domain);
    EXPECT_EQ(vcpus[0]->runstate.state, RUNSTATE_offline);
    EXPECT_TRUE(unpause(vcpus[0]->domain).ok());
    EXPECT_EQ(vcpus[0]->runstate.state, RUNSTATE_runnable);
}

}  // namespace
