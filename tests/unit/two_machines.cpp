// Two machines in one process never meet: not their domains, frames, consoles or clocks.
#include <boot/hosted/twin.hpp>
#include <random>
#include <string>
#include <thread>
#include <unit/small_machine.hpp>
#include <xen/sched.h>

using namespace hv;
using namespace hv::test;

namespace {

std::string said(Machine& machine) {
    std::string text(Console::ring_size, '\0');
    text.resize(machine.console.copy_ring(0, text.data(), text.size()));
    return text;
}

TEST(TwoMachines, HaveDomainsOfTheirOwn) {
    SmallMachine one, other;
    play(&one.cpu());
    one.add_domain();
    Domain& here = one.add_domain();
    EXPECT_FALSE(find_domain(other.machine(), 0));
    EXPECT_FALSE(find_domain(other.machine(), here.id));

    play(&other.cpu());
    other.add_domain();
    Domain& there = other.add_domain();
    EXPECT_EQ(here.id, there.id) << "both count from the same number";
    play(&one.cpu());
    shut_down(one.cpu(), here, SHUTDOWN_poweroff);
    EXPECT_EQ(there.life.load(), Life::building);
    EXPECT_TRUE(unpause(here).ok());
    EXPECT_EQ(there.pauses, 1u);
}

TEST(TwoMachines, HaveFramesOfTheirOwn) {
    SmallMachine one, other;
    const u64 free = other.machine().frames.free_count();
    play(&one.cpu());
    Domain& here = one.add_domain(16);
    EXPECT_EQ(other.machine().frames.free_count(), free);
    play(&other.cpu());
    Domain& there = other.add_domain(16);
    one.put(here, 0x1000, u64{0x1111});
    other.put(there, 0x1000, u64{0x2222});
    u64 seen = 0;
    one.get(here, 0x1000, seen);
    EXPECT_EQ(seen, 0x1111u);
}

TEST(TwoMachines, HaveClocksOfTheirOwn) {
    SmallMachine one, other;
    one.machine().clock.hosted_ticks += 1'000'000;
    EXPECT_GT(one.machine().clock.now(), other.machine().clock.now());
    EXPECT_EQ(other.machine().clock.now(), 0u);
}

TEST(TwoMachines, HaveConsolesOfTheirOwn) {
    SmallMachine one, other;
    play(&one.cpu());
    print(one.machine().console, "only {} is here", "one");
    EXPECT_NE(said(one.machine()).find("only one is here"), std::string::npos);
    EXPECT_EQ(said(other.machine()).find("only one"), std::string::npos);
}

TEST(TwoMachines, AskOnlyTheirOwnPcpus) {
    SmallMachine one{64 * MiB, 2}, other{64 * MiB, 2};
    play(&one.cpu());
    Domain& here = one.add_domain();
    Vcpu& vcpu = *here.vcpus[0];
    EXPECT_TRUE(unpause(here).ok());
    Scheduler& scheduler = *household(one.machine()).scheduler;
    EXPECT_EQ(scheduler.choose(one.cpu()).vcpu, &vcpu);
    EXPECT_EQ(household(other.machine()).scheduler->choose(other.cpu()).vcpu, nullptr);
    pause(here);
    EXPECT_NE(one.cpu().asks.load(), 0u);
    for (const Cpu* cpu : {other.machine().cpus[0], other.machine().cpus[1]})
        EXPECT_EQ(cpu->asks.load(), 0u);
    scheduler.put_back(one.cpu(), vcpu);
}

/// What one thread makes of its machine; the same seed must give the same story.
std::string live(unsigned seed) {
    SmallMachine small;
    Machine& machine = small.machine();
    Domain& dom0 = small.add_domain();
    std::mt19937 dice{seed};
    std::string story;
    for (unsigned round = 0; round < 150; ++round) {
        Domain& domain = small.add_domain();
        machine.clock.hosted_ticks += dice() % 1000;
        small.put(domain, 0x3000, u64{dice()});
        if (dice() % 2)
            (void)unpause(domain);
        const DomainRef held = find_domain(machine, domain.id);
        shut_down(small.cpu(), domain, static_cast<u8>(dice() % 4));
        story += std::to_string(machine.clock.now()) + ' ' +
                 std::to_string(machine.frames.free_count()) + ' ' +
                 std::to_string(domain.p2m.look_up(Gfn{3})->frame.value) + '\n';
        while (destroy(small.cpu(), domain) == Progress::again)
            ;
    }
    EXPECT_FALSE(next_domain(machine, dom0.id + 1u));
    return story + said(machine);
}

TEST(TwoMachines, LiveSideBySideOnTwoThreads) {
    const std::string alone[] = {live(1), live(2)};
    EXPECT_NE(alone[0], alone[1]);
    std::string together[2];
    std::thread first{[&] { together[0] = live(1); }};
    std::thread second{[&] { together[1] = live(2); }};
    first.join();
    second.join();
    EXPECT_EQ(together[0], alone[0]);
    EXPECT_EQ(together[1], alone[1]);
}

}  // namespace
