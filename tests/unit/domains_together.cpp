// What two pCPUs do to one domain at once: both may do it, and afterwards every account is right.
#include <boot/hosted/twin.hpp>
#include <domains/exits.hpp>
#include <domains/vcpu_start.hpp>
#include <functional>
#include <thread>
#include <unit/small_machine.hpp>
#include <xen/sched.h>
#include <xen/vcpu.h>

using namespace hv;
using namespace hv::test;

namespace {

class Together : public ::testing::Test {
protected:
    Machine& machine() { return small.machine(); }
    u64 free() { return machine().frames.free_count(); }

    /// Lets two threads, each as a pCPU of its own, begin the same piece of work at one moment.
    void both(const std::function<void(Cpu& cpu)>& work) {
        std::atomic<unsigned> ready{0};
        std::string panics[2];
        const auto play_one = [&](unsigned number) {
            Cpu& cpu = *machine().cpus[number];
            play(&cpu);
            ready.fetch_add(1);
            while (ready.load() < 2)
                ;
            try {
                work(cpu);
            } catch (const Panic& panic) {
                panics[number] = panic.what();
            }
        };
        std::thread other{play_one, 1u};
        play_one(0);
        other.join();
        EXPECT_EQ(panics[0] + panics[1], "");
    }

    /// A domain that may have `frames` frames and has none, with two vCPUs that are up.
    DomainRef make_pair(u64 frames) {
        xen_domctl_createdomain wish{};
        wish.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
        wish.max_vcpus = 2;
        auto made = create_domain(machine(), small.cpu(), 0, wish);
        EXPECT_TRUE(made.ok());
        (*made)->frames_limit = frames;
        for (u16 id = 0; id < 2; ++id)
            bring_up(**create_vcpu(**made, id));
        return std::move(*made);
    }

    void end(Domain& domain, Cpu& cpu) {
        while (destroy(cpu, domain) == Progress::again)
            ;
    }

    SmallMachine small{64 * MiB, 2};
    Domain& dom0 = small.add_domain();
};

TEST_F(Together, TakeADomainApart) {
    const u64 before = free();
    for (unsigned round = 0; round < 40; ++round) {
        DomainRef domain = make_pair(300);
        const DomainId id = domain->id;
        for (u64 i = 0; i < 300; ++i)
            ASSERT_TRUE(give_ram(*domain, Gfn{2 * i}, 0).ok());
        both([&](Cpu& cpu) {
            const DomainRef mine = find_domain(machine(), id);
            if (mine)
                end(*mine, cpu);
        });
        domain = {};
        ASSERT_FALSE(find_domain(machine(), id)) << "round " << round;
        ASSERT_EQ(free(), before) << "round " << round;
    }
}

TEST_F(Together, TakeApartWhatIsStillBeingFilled) {
    const u64 before = free();
    for (unsigned round = 0; round < 60; ++round) {
        DomainRef domain = make_pair(400);
        both([&](Cpu& cpu) {
            if (cpu.number == 0)
                return end(*domain, cpu);
            Quarantine quarantine{*domain};
            for (u64 i = 0; i < 400 && give_ram(*domain, Gfn{2 * i}, 0).ok(); ++i)
                if (i % 3 == 0)
                    (void)unplace_frame(*domain, Gfn{2 * i}, quarantine).ok();
        });
        domain = {};
        ASSERT_EQ(free(), before) << "round " << round;
    }
    EXPECT_FALSE(next_domain(machine(), 1));
}

TEST_F(Together, GiveNoMoreThanTheLimit) {
    for (unsigned round = 0; round < 20; ++round) {
        const DomainRef domain = make_pair(512);
        std::atomic<unsigned> given{0};
        both([&](Cpu& cpu) {
            given += give_ram(*domain, Gfn{u64{cpu.number} << 9}, 9).ok();
        });
        ASSERT_EQ(domain->frames_owned, 512u);
        ASSERT_EQ(given, 1u) << "one of them, and not the other";
        end(*domain, small.cpu());
    }
}

TEST_F(Together, LetGoOfABlockAndOfOnePageInIt) {
    const u64 before = free();
    for (unsigned round = 0; round < 300; ++round) {
        const Mfn block = *machine().frames.take(owner_hypervisor, 9);
        for (u64 i = 0; i < 512; ++i)
            machine().frames.row(block + i).uses = 2;
        const Mfn page = block + round % 2 * 3;
        add_use(machine(), page);
        both([&](Cpu& cpu) {
            cpu.number == 0 ? end_uses(machine(), block, 9, 2) : end_use(machine(), page);
        });
        ASSERT_EQ(free(), before) << "each frame comes back once: round " << round;
    }
}

TEST_F(Together, TheMakerKeepsWhatAnotherEndsAtOnce) {
    const u64 before = free();
    std::atomic<bool> over{false};
    both([&](Cpu& cpu) {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 1;
        for (unsigned round = 0; cpu.number == 0 && round < 300; ++round) {
            const auto made = create_domain(machine(), cpu, 0, wish);
            ASSERT_TRUE(made.ok());
            EXPECT_LE((*made)->references, 3u);
            EXPECT_GE((*made)->references, 1u);
        }
        over = over || cpu.number == 0;
        while (cpu.number == 1) {
            const bool last = over;
            while (const DomainRef found = next_domain(machine(), 1))
                end(*found, cpu);
            if (last)
                break;
        }
    });
    EXPECT_EQ(free(), before);
}

TEST_F(Together, TheLastTwoVcpusGoDown) {
    for (unsigned round = 0; round < 100; ++round) {
        const DomainRef domain = make_pair(0);
        ASSERT_TRUE(unpause(*domain).ok());
        both([&](Cpu& cpu) {
            Vcpu& vcpu = *domain->vcpus[cpu.number];
            vcpu.hardware.gpr.rdi = VCPUOP_down;
            vcpu.hardware.gpr.rsi = cpu.number;
            Call call{cpu, vcpu, true};
            EXPECT_EQ(vcpu_op(call), 0);
        });
        ASSERT_EQ(domain->life.load(), Life::shut_down) << "nobody is left: round " << round;
        end(*domain, small.cpu());
    }
}

TEST_F(Together, APanicWhileLettingGoComesOut) {
    // Whose frames they were is found under a lock that comes before the domain's own
    Guard other{dom0.lock};
    EXPECT_THROW({
        Quarantine quarantine{dom0};
        EXPECT_TRUE(take_ram(dom0, Gfn{0}, 9, quarantine).ok());
    }, Panic);
}

TEST_F(Together, WhoeverHoldsADomainStillFindsItsVcpus) {
    const u64 before = free();
    DomainRef domain = make_pair(0);
    const DomainId id = domain->id;
    end(*domain, small.cpu());
    EXPECT_FALSE(find_domain(machine(), id));
    ASSERT_NE(domain->vcpus[1], nullptr);
    EXPECT_NE(domain->vcpus[1]->info, nullptr);
    EXPECT_NE(domain->policy.look_up(*domain->vcpus[0], 0x40000000, 0).ebx, 0u);
    EXPECT_LT(free(), before);
    domain = {};
    EXPECT_EQ(free(), before) << "with the last reference all of it goes";
}

TEST_F(Together, StoppingAPeriodicTimerWaitsForWhoeverSetsIt) {
    Vcpu& vcpu = *dom0.vcpus[0];
    vcpu.hardware.gpr.rdi = VCPUOP_stop_periodic_timer;
    Call call{small.cpu(), vcpu, true};
    {
        // Held by another pCPU it would wait; by its own, the order of locks forbids it
        Guard other{dom0.lock};
        EXPECT_THROW((void)vcpu_op(call), Panic);
    }
    EXPECT_EQ(vcpu_op(call), 0);
}

TEST_F(Together, EachVcpuWritesItsOwnLine) {
    const DomainRef domain = make_pair(0);
    const auto put = [&](unsigned number, char letter) {
        Vcpu& vcpu = *domain->vcpus[number];
        vcpu.hardware.gpr.rax = static_cast<u8>(letter);
        x86::Exit::Port port{};
        port.number = 0xe9;
        port.size = 1;
        (void)answer_port(vcpu, port);
    };
    for (const char letter : std::string_view{"one"}) {
        put(0, letter);
        put(1, static_cast<char>(letter - 'a' + 'A'));
    }
    EXPECT_EQ(domain->vcpus[0]->port_line.view(), "one");
    EXPECT_EQ(domain->vcpus[1]->port_line.view(), "ONE");
    end(*domain, small.cpu());
}

}  // namespace
