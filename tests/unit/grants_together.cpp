// Two pCPUs at one grant table, whose guest changes it all the while: afterwards every account is
// right, and nobody has what was not promised.
#include <domains/vcpu_start.hpp>
#include <functional>
#include <random>
#include <thread>
#include <unit/grants_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class GrantsTogether : public GrantGuests, public ::testing::WithParamInterface<u32> {
protected:
    static constexpr GrantRef refs = 4, first_ref = 8;
    const DomainId owner_id = owner.id;  ///< it may be gone before the others are through

    GrantsTogether() {
        EXPECT_EQ(set_version(owner, GetParam()), 0);
    }
    /// A domain with two vCPUs, which may have what two pages of handles can name.
    Domain* make_pair() {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 2;
        wish.max_grant_frames = 1;
        wish.max_maptrack_frames = 2;
        wish.grant_opts = 1;
        auto made = create_domain(machine(), small.cpu(), 0, wish);
        EXPECT_TRUE(made.ok());
        Domain& domain = **made;
        domain.frames_limit = 512;
        EXPECT_TRUE(give_ram(domain, Gfn{0}, 9).ok());
        for (u16 id = 0; id < 2; ++id)
            bring_up(**create_vcpu(domain, id));
        return &domain;
    }

    /// A call by one of the pair's vCPUs, on the pCPU of its number.
    template <class Wish>
    void ask(Cpu& cpu, unsigned operation, Wish& wish) {
        const u64 at = 0x8000 + cpu.number * page_size;
        Vcpu& vcpu = *pair->vcpus[cpu.number];
        small.put(*pair, at, wish);
        vcpu.hardware.gpr.rdi = operation;
        vcpu.hardware.gpr.rsi = at;
        vcpu.hardware.gpr.rdx = 1;
        Call call{cpu, vcpu, true};
        ASSERT_EQ(grant_table_op(call), 0);
        small.get(*pair, at, wish);
    }

    /// Maps, unmaps (any handle, the other's too) and copies, as the dice fall.
    void hammer(Cpu& cpu, unsigned rounds) {
        std::mt19937 dice{cpu.number};
        for (unsigned round = 0; round < rounds; ++round) {
            const GrantRef ref = first_ref + dice() % refs;
            const u64 gfn = hole + dice() % 16;
            switch (dice() % 3) {
            case 0: {
                gnttab_map_grant_ref_t wish{};
                wish.host_addr = gfn << page_shift;
                wish.flags = dice() % 2 ? u32{GNTMAP_host_map} : read_only_map;
                wish.ref = ref;
                wish.dom = owner_id;
                ask(cpu, GNTTABOP_map_grant_ref, wish);
                granted += wish.status == GNTST_okay;
                break;
            }
            case 1: {
                gnttab_unmap_grant_ref_t wish{};
                wish.host_addr = gfn << page_shift;
                wish.handle = dice() % 16;
                ask(cpu, GNTTABOP_unmap_grant_ref, wish);
                break;
            }
            default: {
                gnttab_copy_t wish{};
                wish.source.u.ref = ref;
                wish.source.domid = owner_id;
                wish.dest.u.gmfn = 0x40 + cpu.number;
                wish.dest.domid = DOMID_SELF;
                wish.len = 64;
                wish.flags = GNTCOPY_source_gref;
                ask(cpu, GNTTABOP_copy, wish);
                break;
            }
            }
        }
    }

    /// The owner's guest: writes what it likes over its promises until the others are through.
    void change_all() {
        std::mt19937 dice{7};
        for (unsigned written = 0; !over; begun = ++written >= 8 * refs) {
            const GrantRef ref = first_ref + dice() % refs;
            const u16 flags = dice() % 4 ? u16{GTF_permit_access} : static_cast<u16>(dice());
            const u64 frame = dice() % 8 ? 0x20 + ref : dice();
            const u64 header = flags | u64{dice() % 4 ? pair->id : dom0.id} << 16;
            auto* const words = reinterpret_cast<u64*>(entry(owner, ref));
            if (GetParam() == 2)
                __atomic_store_n(words + 1, frame, __ATOMIC_RELAXED);
            __atomic_store_n(words, GetParam() == 2 ? header : header | frame << 32,
                             __ATOMIC_RELEASE);
        }
        at_rest = true;
    }

    /// Both pCPUs do `work` while the owner changes its table.
    void all_at_once(const std::function<void(Cpu& cpu)>& work) {
        std::string panics[2];
        const auto play_one = [&](unsigned number) {
            Cpu& cpu = *machine().cpus[number];
            play(&cpu);
            try {
                work(cpu);
            } catch (const Panic& panic) {
                panics[number] = panic.what();
            }
        };
        over = at_rest = begun = false;
        std::thread guest{[&] { change_all(); }};
        while (!begun)
            std::this_thread::yield();
        std::thread other{play_one, 1u};
        play_one(0);
        other.join();
        over = true;
        guest.join();
        EXPECT_EQ(panics[0] + panics[1], "");
    }

    Domain* pair = make_pair();
    std::atomic<bool> over{false}, at_rest{true}, begun{false};
    std::atomic<unsigned> granted{0};
};

INSTANTIATE_TEST_SUITE_P(Version, GrantsTogether, ::testing::Values(1u, 2u));

TEST_P(GrantsTogether, HammerOneTable) {
    all_at_once([&](Cpu& cpu) { hammer(cpu, 6000); });
    EXPECT_GT(granted, 100u);
    GrantTable& table = grants_of(*pair);
    for (GrantHandle handle = 0; handle < table.handle_count(); ++handle)
        if (const HeldPage held = table.held(handle); held.flags != 0) {
            EXPECT_EQ(owner.id, held.owner);
            EXPECT_EQ(unmap(*pair, handle, held.gfn), GNTST_okay);
        }
    for (GrantRef ref = 0; ref < 256; ++ref)
        EXPECT_FALSE(grants_of(owner).is_held(ref)) << ref;
    for (GrantRef ref = first_ref; GetParam() == 2 && ref < first_ref + refs; ++ref)
        EXPECT_EQ(in_use(owner, ref), 0);
    for (u64 gfn = 0; gfn < 512; ++gfn)
        EXPECT_EQ(uses(owner.p2m.look_up(Gfn{gfn})->frame), 2u) << gfn;
    for (u64 gfn = hole; gfn < hole + 16; ++gfn)
        EXPECT_FALSE(pair->p2m.look_up(Gfn{gfn}).ok());
}

/// pCPU 0 unmaps a page that its owner has given up meanwhile: it becomes anybody's. pCPU 1 is at
/// the same table, too, and in between in the guest, with the translation that was there before.
TEST_P(GrantsTogether, WhatAGuestCanReachIsNobodyElses) {
    std::atomic<unsigned> caught{0};
    const auto word_of = [&](Mfn frame) { return machine().memory.as<u64>(address_of(frame)); };
    const auto map_and_unmap = [&](Cpu& cpu, GrantRef ref, u64 gfn, auto between) {
        gnttab_map_grant_ref_t wish{};
        wish.host_addr = gfn << page_shift;
        wish.flags = GNTMAP_host_map;
        wish.ref = ref;
        wish.dom = owner_id;
        ask(cpu, GNTTABOP_map_grant_ref, wish);
        ASSERT_EQ(wish.status, GNTST_okay);
        between();
        gnttab_unmap_grant_ref_t end{};
        end.host_addr = wish.host_addr;
        end.handle = wish.handle;
        ask(cpu, GNTTABOP_unmap_grant_ref, end);
        ASSERT_EQ(end.status, GNTST_okay);
    };
    const auto run_guest = [&](Cpu& cpu) {
        cpu.asks.fetch_and(~u32{ask_shootdown});
        Inside inside{whereabouts(cpu), pair->p2m};
        const Result<GuestFrame> page = pair->p2m.look_up(Gfn{hole});
        if (!page.ok())
            return;
        u64* const word = word_of(page->frame);
        const u64 seen = __atomic_load_n(word, __ATOMIC_RELAXED);
        u64 last = seen;
        const auto look = [&] { last = __atomic_load_n(word, __ATOMIC_RELAXED); };
        while (last == seen && (cpu.asks.load() & ask_shootdown) == 0 && !over)
            look();
        for (unsigned times = 0; last == seen && times < 200; ++times)
            look();
        EXPECT_EQ(last, seen) << "the page was scrubbed, and it still reaches it";
        ++caught;
    };
    promise(owner, first_ref, *pair, 0x20);
    promise(owner, first_ref + 1, *pair, 0x21);
    std::thread other{[&] {
        Cpu& cpu = *machine().cpus[1];
        play(&cpu);
        for (; !over; std::this_thread::yield()) {
            run_guest(cpu);
            map_and_unmap(cpu, first_ref + 1, hole + 1, [] {});
        }
    }};
    for (u64 stamp = 1; caught < 60 && stamp < 100'000; ++stamp) {
        __atomic_store_n(word_of(owner.p2m.look_up(Gfn{0x20})->frame), stamp, __ATOMIC_RELAXED);
        map_and_unmap(small.cpu(), first_ref, hole, [&] {
            Quarantine quarantine{owner};
            ASSERT_TRUE(take_ram(owner, Gfn{0x20}, 0, quarantine).ok());
            // Room for the other to come in and look
            for (unsigned now = caught, wait = 0; wait < 50 && caught == now; ++wait)
                std::this_thread::yield();
        });
        ASSERT_TRUE(give_ram(owner, Gfn{0x20}, 0).ok());
    }
    over = true;
    other.join();
    EXPECT_GE(caught, 60u);
}

TEST_P(GrantsTogether, WhatIsTakenBackIsNotTakenUp) {
    constexpr unsigned often = 500;
    std::atomic<unsigned> taken_back{0};
    const auto enough = [&] { return taken_back >= often && granted >= often; };
    auto& flags = *reinterpret_cast<u16*>(entry(owner, first_ref));
    const auto take_back = [&] {
        u16 idle = GTF_permit_access;
        if (GetParam() == 1)
            return __atomic_compare_exchange_n(&flags, &idle, u16{0}, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST);
        __atomic_exchange_n(&flags, u16{0}, __ATOMIC_SEQ_CST);
        return in_use(owner, first_ref) == 0;
    };
    // The owner's guest, by the book: once it has seen that nobody uses a page, nobody does
    promise(owner, first_ref, *pair, 0x20);
    PinnedPage once;  // the first use makes room for what is remembered
    ASSERT_EQ(pin(owner, {first_ref, pair->id, false, false}, once), GNTST_okay);
    unpin(owner, first_ref, false);
    std::thread guest{[&] {
        const Pin& pin = grants_of(owner).pin(first_ref);
        unsigned used = 0;
        for (; !enough(); std::this_thread::yield()) {
            const bool taken = take_back();
            taken_back += taken;
            for (unsigned look = 0; taken && look < 50; ++look)
                used += __atomic_load_n(&pin.readers, __ATOMIC_RELAXED);
            if (taken || GetParam() == 2)
                __atomic_store_n(&flags, u16{GTF_permit_access}, __ATOMIC_SEQ_CST);
        }
        EXPECT_EQ(used, 0u);
    }};
    for (PinnedPage page; !enough(); std::this_thread::yield())
        if (pin(owner, {first_ref, pair->id, false, false}, page) == GNTST_okay) {
            ++granted;
            unpin(owner, first_ref, false);
        }
    guest.join();
}

TEST_P(GrantsTogether, OneMapsWhileTheOtherEndsTheOwner) {
    all_at_once([&](Cpu& cpu) {
        if (cpu.number == 0) {
            do  // a guest whose turn comes seldom has promised little
                hammer(cpu, 2000);
            while (granted < 20);
            return;
        }
        while (granted < 20)
            std::this_thread::yield();
        for (over = true; !at_rest;)
            std::this_thread::yield();  // its guest runs no more
        const DomainRef held = find_domain(machine(), owner_id);
        while (destroy(cpu, *held) == Progress::again)
            ;
    });
    end(*pair);
    EXPECT_FALSE(find_domain(machine(), owner_id)) << "what held it is gone";
    end(taker);
    // A row that passed on what dom0 promised may have had dom0's pins made
    EXPECT_EQ(free() + grants_of(dom0).pin_frames, before);
}

TEST_P(GrantsTogether, BothEndTheTaker) {
    for (unsigned round = 0; round < 30; ++round) {
        const DomainRef held = find_domain(machine(), pair->id);
        for (GrantRef ref = 8; ref < 40; ++ref) {
            promise(owner, ref, *pair, 0x20 + ref);
            ASSERT_EQ(map(*pair, owner, ref, hole + ref).status, GNTST_okay);
        }
        std::thread other{[&] {
            play(machine().cpus[1]);
            while (destroy(*machine().cpus[1], *pair) == Progress::again)
                ;
        }};
        while (destroy(small.cpu(), *pair) == Progress::again)
            ;
        other.join();
        for (GrantRef ref = 8; ref < 40; ++ref) {
            ASSERT_EQ(in_use(owner, ref), 0) << "round " << round;
            ASSERT_EQ(uses(owner.p2m.look_up(Gfn{0x20 + ref})->frame), 2u);
        }
        pair = make_pair();
    }
}

}  // namespace
