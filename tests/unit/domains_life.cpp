// The life of a domain: it moves forward only, can be ended a piece at a time, and leaves nothing.
#include <algorithm>
#include <array>
#include <random>
#include <unit/small_machine.hpp>
#include <xen/sched.h>

using namespace hv;
using namespace hv::test;

namespace {

constexpr u64 ticks_per_second = 2'400'000'000;  // as SmallMachine has it

xen_domctl_createdomain two_vcpus() {
    xen_domctl_createdomain wish{};
    wish.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    wish.max_vcpus = 2;
    return wish;
}

class DomainLife : public ::testing::Test {
protected:
    Machine& machine() { return small.machine(); }
    Cpu& cpu() { return small.cpu(); }
    u64 free() { return machine().frames.free_count(); }

    void pass(u64 ns) {
        machine().clock.hosted_ticks += ns * (ticks_per_second / 1'000'000) / 1000;
    }

    /// Ends the domain to the last piece; returns how many calls it took.
    unsigned end(Domain& domain) {
        const DomainRef held_meanwhile = find_domain(machine(), domain.id);
        unsigned calls = 1;
        while (destroy(cpu(), domain) == Progress::again)
            ++calls;
        return calls;
    }

    /// Leaves only `left` frames free, in one piece; they come back with let_go().
    void hold_all_but(u64 left) {
        while (free() > left)
            held.push_back(*machine().frames.take(owner_hypervisor));
    }
    void let_go() {
        for (const Mfn frame : held)
            machine().frames.give_back(frame);
        held.clear();
    }

    SmallMachine small;
    Domain& dom0 = small.add_domain();
    std::vector<Mfn> held;
};

TEST_F(DomainLife, AThousandLivesReturnEveryFrame) {
    const u64 before = free();
    for (unsigned round = 0; round < 1000; ++round) {
        const auto made = create_domain(machine(), cpu(), 0, two_vcpus());
        ASSERT_TRUE(made.ok()) << "round " << round;
        Domain& domain = **made;
        domain.frames_limit = 64;
        for (u64 gfn = 0; gfn < 8; ++gfn)
            ASSERT_TRUE(give_ram(domain, Gfn{round % 2 ? gfn : gfn << 18}, 0).ok());
        for (u16 id = 0; id < 2; ++id)
            ASSERT_TRUE(create_vcpu(domain, id).ok());
        if (round % 3 == 0) {
            ASSERT_TRUE(unpause(domain).ok());
        }
        end(domain);
    }
    EXPECT_EQ(free(), before);
    EXPECT_FALSE(next_domain(machine(), 1)) << "only dom0 is left";
}

TEST_F(DomainLife, MovesOnlyForward) {
    Domain& domain = small.add_domain();
    const DomainRef held_by_test = find_domain(machine(), domain.id);
    EXPECT_EQ(domain.life.load(), Life::building);
    EXPECT_TRUE(unpause(domain).ok());
    EXPECT_EQ(domain.life.load(), Life::alive);
    shut_down(cpu(), domain, SHUTDOWN_poweroff);
    EXPECT_EQ(domain.life.load(), Life::shut_down);

    pause(domain);
    EXPECT_TRUE(unpause(domain).ok());
    EXPECT_EQ(domain.life.load(), Life::shut_down) << "to be let go brings nobody back";
    EXPECT_FALSE(domain.vcpus[0]->may_run());

    end(domain);
    EXPECT_EQ(domain.life.load(), Life::dead);
    shut_down(cpu(), domain, SHUTDOWN_reboot);
    EXPECT_EQ(destroy(cpu(), domain), Progress::done);
    EXPECT_EQ(domain.life.load(), Life::dead) << "ended twice, it stays dead";
    EXPECT_FALSE(find_domain(machine(), domain.id));
}

TEST_F(DomainLife, KeepsTheFirstReason) {
    Domain& domain = small.add_domain();
    shut_down(cpu(), domain, SHUTDOWN_reboot);
    shut_down(cpu(), domain, SHUTDOWN_crash);
    EXPECT_EQ(domain.shutdown_reason, SHUTDOWN_reboot);
}

TEST_F(DomainLife, KeepsAReasonThatWasNotedBefore) {
    Domain& domain = small.add_domain();
    domain.shutdown_reason = SHUTDOWN_crash;
    shut_down(cpu(), domain, SHUTDOWN_poweroff);
    EXPECT_EQ(domain.shutdown_reason, SHUTDOWN_crash);
}

TEST_F(DomainLife, CountsPausesAndKnowsTheGap) {
    Domain& domain = small.add_domain();
    EXPECT_TRUE(unpause(domain).ok());
    EXPECT_EQ(unpause(domain).error().code, XEN_EINVAL) << "nobody holds it";
    const u64 before = domain.paused_total;

    pause(domain);
    pass(1'000'000);
    pause(domain);
    pass(2'000'000);
    EXPECT_TRUE(unpause(domain).ok());
    EXPECT_FALSE(domain.vcpus[0]->may_run()) << "one of the two still holds it";
    EXPECT_EQ(domain.paused_total, before);
    pass(4'000'000);
    EXPECT_TRUE(unpause(domain).ok());
    EXPECT_TRUE(domain.vcpus[0]->may_run());
    EXPECT_NEAR(static_cast<double>(domain.paused_total - before), 7'000'000, 2);
    pass(8'000'000);
    EXPECT_NEAR(static_cast<double>(domain.paused_total - before), 7'000'000, 2)
        << "it ran since, and saw that time";
}

TEST_F(DomainLife, EndsAPieceAtATime) {
    const u64 before = free();
    Domain& domain = small.add_domain(4);
    const DomainId id = domain.id;
    domain.frames_limit += 16;
    for (u64 i = 0; i < 16; ++i)
        ASSERT_TRUE(give_ram(domain, Gfn{0x1000 + 2 * i}, 0).ok());
    EXPECT_TRUE(unpause(domain).ok());

    // Somebody else wants the pCPU at every check; still each call gets further
    DomainRef held_meanwhile = find_domain(machine(), id);
    unsigned calls = 0;
    for (bool done = false; !done; ++calls) {
        ASSERT_LT(calls, 1000u) << "it makes no headway";
        cpu().asks = ask_reschedule;
        const u64 owned = domain.frames_owned;
        done = destroy(cpu(), domain) == Progress::done;
        if (!done) {
            EXPECT_EQ(domain.life.load(), Life::dying);
            EXPECT_FALSE(domain.vcpus[0]->may_run());
            EXPECT_LT(domain.frames_owned, owned);
        }
    }
    cpu().asks = 0;
    EXPECT_GT(calls, 10u);
    held_meanwhile = {};
    EXPECT_FALSE(find_domain(machine(), id));
    EXPECT_EQ(free(), before);
}

TEST_F(DomainLife, WaitsForItsVcpusToStand) {
    Domain& domain = small.add_domain();
    domain.vcpus[0]->running = true;
    EXPECT_EQ(destroy(cpu(), domain), Progress::again);
    EXPECT_TRUE(cpu().asks & ask_reschedule) << "its pCPU is told to put it away";
    cpu().asks = 0;
    EXPECT_EQ(domain.frames_owned, 512u) << "nothing is taken from under a guest that runs";
    domain.vcpus[0]->running = false;
    EXPECT_EQ(end(domain), 1u);
}

TEST_F(DomainLife, OnePageThatAnotherMapsHoldsIt) {
    const u64 before = free() + dom0.p2m.table_frames();
    Domain& domain = small.add_domain();
    const DomainId id = domain.id;
    const Mfn frame = domain.p2m.look_up(Gfn{0x30})->frame;
    {
        Quarantine quarantine{dom0};
        ASSERT_TRUE(place_frame(dom0, Gfn{0x4000}, frame, x86::full_access, quarantine).ok());
    }
    *machine().memory.at(frame) = 0x5a;
    end(domain);
    {
        const DomainRef found = find_domain(machine(), id);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->life.load(), Life::dying);
        EXPECT_EQ(found->frames_owned, 1u);
        EXPECT_EQ(*machine().memory.at(frame), 0x5a) << "its holder may still read it";

        // Of what is left, nothing can be had, and nothing can be added
        EXPECT_FALSE(found->p2m.look_up(Gfn{0x31}).ok());
        EXPECT_FALSE(found->p2m.hold(Gfn{0x31}).ok());
        EXPECT_EQ(give_ram(*found, Gfn{0}, 0).error().code, XEN_ESRCH);
        EXPECT_EQ(destroy(cpu(), *found), Progress::done) << "again, and nothing happens";
        EXPECT_EQ(found->life.load(), Life::dying);
    }
    {
        Quarantine quarantine{dom0};
        ASSERT_TRUE(unplace_frame(dom0, Gfn{0x4000}, quarantine).ok());
    }
    EXPECT_FALSE(find_domain(machine(), id)) << "let go of, it leaves by itself";
    EXPECT_EQ(*machine().memory.at(frame), 0);
    EXPECT_EQ(free() + dom0.p2m.table_frames(), before);
}

TEST_F(DomainLife, ToolstackFindsOnlyTheRowOfWhatWasTakenApart) {
    Domain& domain = small.add_domain();
    const DomainId id = domain.id;
    const Mfn frame = domain.p2m.look_up(Gfn{0x30})->frame;
    {
        Quarantine quarantine{dom0};
        ASSERT_TRUE(place_frame(dom0, Gfn{0x4000}, frame, x86::full_access, quarantine).ok());
    }
    end(domain);
    const u8* const start = machine().memory.at(Mpa{});
    const std::vector<u8> first_page(start, start + page_size);
    for (u32 command = 1; command < 90; ++command) {
        if (command == XEN_DOMCTL_createdomain || command == XEN_DOMCTL_getdomaininfo ||
            command == XEN_DOMCTL_destroydomain)
            continue;
        auto op = domctl_of(command, id);
        EXPECT_LT(small.domctl(dom0, op), 0) << "domctl " << command;
    }
    EXPECT_TRUE(std::equal(first_page.begin(), first_page.end(), start))
        << "frame 0 is nobody's";
    auto info = domctl_of(XEN_DOMCTL_getdomaininfo, id);
    EXPECT_EQ(small.domctl(dom0, info), 0);
    EXPECT_TRUE(info.u.getdomaininfo.flags & XEN_DOMINF_dying);
    auto again = domctl_of(XEN_DOMCTL_destroydomain, id);
    EXPECT_EQ(small.domctl(dom0, again), 0);
}

TEST_F(DomainLife, FramesAreZeroBeforeAnotherSeesThem) {
    std::vector<Mfn> was;
    Domain& first = small.add_domain(8);
    for (u64 gfn = 0; gfn < first.frames_limit; ++gfn) {
        was.push_back(first.p2m.look_up(Gfn{gfn})->frame);
        __builtin_memset(machine().memory.at(was.back()), 0xa5, page_size);
    }
    end(first);
    const auto is_zero = [&](Mfn frame) {
        const u8* const page = machine().memory.at(frame);
        return std::all_of(page, page + page_size, [](u8 byte) { return byte == 0; });
    };
    EXPECT_TRUE(std::all_of(was.begin(), was.end(), is_zero));

    Domain& second = small.add_domain(8);
    for (u64 gfn = 0; gfn < second.frames_limit; ++gfn)
        ASSERT_TRUE(is_zero(second.p2m.look_up(Gfn{gfn})->frame)) << "gfn " << gfn;
}

TEST_F(DomainLife, NoMemoryAtAnyStepOfBirthLeavesNothing) {
    bool born = false;
    u64 room = 0;
    for (; !born; ++room) {
        ASSERT_LT(room, 64u);
        hold_all_but(room);
        const u64 before = free();
        {
            const auto made = create_domain(machine(), cpu(), 0, two_vcpus());
            born = made.ok();
            if (born)
                end(**made);
            else
                EXPECT_EQ(made.error().code, XEN_ENOMEM);
        }
        EXPECT_EQ(free(), before) << "with room for " << room << " frames";
        EXPECT_FALSE(next_domain(machine(), 1));
        let_go();
    }
    EXPECT_GT(room, 3u) << "a domain needs more than that";
}

TEST_F(DomainLife, NoMemoryAtAnyStepOfAVcpuLeavesNothing) {
    const auto made = create_domain(machine(), cpu(), 0, two_vcpus());
    ASSERT_TRUE(made.ok());
    bool born = false;
    for (u64 room = 0; !born; ++room) {
        ASSERT_LT(room, 64u);
        hold_all_but(room);
        const u64 before = free();
        born = create_vcpu(**made, 0).ok();
        if (!born) {
            EXPECT_EQ(free(), before) << "with room for " << room << " frames";
            EXPECT_EQ((*made)->vcpus[0], nullptr);
        }
        let_go();
    }
    end(**made);
}

TEST_F(DomainLife, NoMemoryForAMapLeavesNothing) {
    Domain& domain = small.add_domain();
    domain.frames_limit += 8;
    bool given = false;
    for (u64 room = 0; !given; ++room) {
        ASSERT_LT(room, 64u);
        hold_all_but(room);
        const u64 owned = domain.frames_owned, before = free() + domain.p2m.table_frames();
        given = give_ram(domain, Gfn{0x7000000}, 0).ok();
        if (!given) {
            EXPECT_EQ(domain.frames_owned, owned);
            EXPECT_EQ(free() + domain.p2m.table_frames(), before);
            EXPECT_FALSE(domain.p2m.look_up(Gfn{0x7000000}).ok());
        }
        let_go();
    }
    end(domain);
}

/// Random lives: created, paused, let go, shut down, lent from, ended, in any order.
TEST_F(DomainLife, AnyOrderOfEventsReturnsEveryFrame) {
    const u64 before = free() + dom0.p2m.table_frames();
    std::mt19937 dice{1972};
    std::vector<DomainId> living;
    std::vector<Gfn> lent;
    for (unsigned step = 0; step < 3000; ++step) {
        const unsigned what = dice() % 8;
        if (what == 0 && living.size() < 6) {
            living.push_back(small.add_domain().id);
            continue;
        }
        if (living.empty())
            continue;
        const size_t which = dice() % living.size();
        const DomainRef domain = find_domain(machine(), living[which]);
        const Life life = domain->life;
        cpu().asks = dice() % 2 ? ask_reschedule : 0u;
        Quarantine quarantine{dom0};
        switch (what) {
        case 1: pause(*domain); break;
        case 2: (void)unpause(*domain); break;
        case 3: shut_down(cpu(), *domain, static_cast<u8>(dice() % 5)); break;
        case 4: {
            const auto page = domain->p2m.look_up(Gfn{dice() % 512});
            const Gfn at{0x10000 + step};
            if (page.ok() && lent.size() < 16 &&
                place_frame(dom0, at, page->frame, x86::full_access, quarantine).ok())
                lent.push_back(at);
            break;
        }
        case 5:
            if (!lent.empty()) {
                EXPECT_TRUE(unplace_frame(dom0, lent.back(), quarantine).ok());
                lent.pop_back();
            }
            break;
        case 6: {
            Quarantine own{*domain};
            (void)unplace_frame(*domain, Gfn{dice() % 512}, own);
            break;
        }
        default:
            if (destroy(cpu(), *domain) == Progress::done)
                living.erase(living.begin() + static_cast<long>(which));
        }
        EXPECT_GE(domain->life.load(), life);
    }
    cpu().asks = 0;
    for (const DomainId id : living)
        end(*find_domain(machine(), id));
    for (const Gfn at : lent) {
        Quarantine quarantine{dom0};
        EXPECT_TRUE(unplace_frame(dom0, at, quarantine).ok());
    }
    EXPECT_FALSE(next_domain(machine(), 1));
    EXPECT_EQ(free() + dom0.p2m.table_frames(), before);
}

}  // namespace
