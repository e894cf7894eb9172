// map_grant_ref and unmap_grant_ref: who may, what the owner sees of it, and when a page is free.
#include <domains/guest_memory.hpp>
#include <thread>
#include <unit/grants_guests.hpp>
#include <xen/vcpu.h>

using namespace hv;
using namespace hv::test;

namespace {

/// In both layouts of the owner's table.
class GrantMaps : public GrantGuests, public ::testing::WithParamInterface<u32> {
protected:
    GrantMaps() { EXPECT_EQ(set_version(owner, GetParam()), 0); }
};

INSTANTIATE_TEST_SUITE_P(Version, GrantMaps, ::testing::Values(1u, 2u));

TEST_P(GrantMaps, ShowTheOwnersPage) {
    promise(owner, 42, taker, 0x20);
    small.put(owner, 0x20123, u64{0x1234});
    const auto mapped = map(taker, owner, 42, hole);
    ASSERT_EQ(mapped.status, GNTST_okay);
    EXPECT_EQ(in_use(owner, 42), both);
    const Mfn frame = owner.p2m.look_up(Gfn{0x20})->frame;
    EXPECT_EQ(taker.p2m.look_up(Gfn{hole})->frame, frame);
    EXPECT_EQ(mapped.dev_bus_addr, address_of(frame).value);
    u64 seen = 0;
    EXPECT_TRUE(read_guest(*taker.vcpus[0], &seen, (hole << 12) + 0x123, 8).ok());
    EXPECT_EQ(seen, 0x1234u);
    EXPECT_TRUE(write_guest(*taker.vcpus[0], (hole << 12) + 0x123, &frame, 8).ok());
    small.get(owner, 0x20123, seen);
    EXPECT_EQ(seen, frame.value);

    const u64 generation = taker.p2m.generation();
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
    EXPECT_GT(taker.p2m.generation(), generation) << "a CPU may have kept the translation";
    EXPECT_EQ(in_use(owner, 42), 0);
    EXPECT_FALSE(taker.p2m.look_up(Gfn{hole}).ok());
    EXPECT_FALSE(read_guest(*taker.vcpus[0], &seen, hole << 12, 8).ok());
    EXPECT_EQ(uses(frame), 2u) << "the owner's alone";
}

TEST_P(GrantMaps, ThatAreReadOnlyAreReadOnly) {
    promise(owner, 9, taker, 0x20, GTF_permit_access | GTF_readonly);
    EXPECT_EQ(map(taker, owner, 9, hole).status, GNTST_general_error);
    EXPECT_EQ(in_use(owner, 9), 0);
    const auto mapped = map(taker, owner, 9, hole, read_only_map);
    ASSERT_EQ(mapped.status, GNTST_okay);
    EXPECT_EQ(in_use(owner, 9), read);
    EXPECT_FALSE(taker.p2m.look_up(Gfn{hole})->access.write);
    EXPECT_FALSE(taker.p2m.look_up(Gfn{hole})->access.execute);
    const u64 word = 0;
    EXPECT_FALSE(write_guest(*taker.vcpus[0], hole << 12, &word, 8).ok());
    EXPECT_EQ(map(taker, owner, 9, hole + 1).status, GNTST_general_error)
        << "nor does a first mapping open the way to a second that writes";
    EXPECT_EQ(in_use(owner, 9), read);
}

TEST_P(GrantMaps, KeepTheFlagsForAsLongAsOneOfThemNeedsThem) {
    promise(owner, 9, taker, 0x20);
    const auto one = map(taker, owner, 9, hole, read_only_map);
    EXPECT_EQ(in_use(owner, 9), read);
    const auto other = map(taker, owner, 9, hole + 1);
    EXPECT_EQ(in_use(owner, 9), both);
    EXPECT_NE(one.handle, other.handle);
    EXPECT_EQ(unmap(taker, other.handle, hole + 1), GNTST_okay);
    EXPECT_EQ(in_use(owner, 9), read);
    EXPECT_EQ(unmap(taker, one.handle, hole), GNTST_okay);
    EXPECT_EQ(in_use(owner, 9), 0);
}

TEST_P(GrantMaps, AreRefusedEachForItsReason) {
    promise(owner, 9, taker, 0x20);
    promise(owner, 10, dom0, 0x20);
    promise(owner, 11, taker, 0x5000);
    promise(owner, 12, taker, 0x20, GTF_accept_transfer);
    promise(owner, 13, taker, 0x20, GTF_permit_access | GTF_sub_page);
    promise(owner, 15, taker, 0x20, GTF_transitive);
    const auto status = [&](GrantRef ref, u32 flags = GNTMAP_host_map, u64 gfn = hole) {
        return map(taker, owner, ref, gfn, flags).status;
    };
    EXPECT_EQ(status(9, 0), GNTST_bad_gntref);
    EXPECT_EQ(status(9, GNTMAP_readonly), GNTST_bad_gntref);
    for (const u32 flag : {GNTMAP_device_map, GNTMAP_application_map, GNTMAP_contains_pte})
        EXPECT_EQ(status(9, GNTMAP_host_map | flag), GNTST_general_error);
    EXPECT_EQ(status(9, GNTMAP_host_map | 1u << 16), GNTST_general_error);
    for (const GrantRef ref : {10u, 12u, 13u, 15u, 16u})
        EXPECT_EQ(status(ref), GNTST_general_error) << ref;
    EXPECT_EQ(status(11), GNTST_bad_page);
    for (const GrantRef ref : {512u, 513u, 1u << 20, 1u << 31, ~0u})
        EXPECT_EQ(status(ref), GNTST_bad_gntref) << ref;
    for (const u64 gfn : {1ull << 36, ~0ull >> 12})
        EXPECT_EQ(status(9, GNTMAP_host_map, gfn), GNTST_general_error);
    gnttab_map_grant_ref_t wish{};
    wish.flags = GNTMAP_host_map;
    for (const DomainId id : {DomainId{99}, DomainId{DOMID_SELF}, DomainId{DOMID_XEN}}) {
        wish.dom = id;
        EXPECT_EQ(op(taker, GNTTABOP_map_grant_ref, wish), 0);
        EXPECT_EQ(wish.status, GNTST_bad_domain);
    }
    for (GrantRef ref = 9; ref < 17; ++ref)
        EXPECT_EQ(in_use(owner, ref), 0) << ref;
    EXPECT_EQ(status(9), GNTST_okay);
    EXPECT_EQ(grants_of(taker).held(0).ref, 9u) << "no handle was lost";
}

TEST_P(GrantMaps, HaveHandlesThatAreBoundedAndUsedAgain) {
    for (GrantRef ref = 8; ref < 11; ++ref)
        promise(owner, ref, taker, 0x20);
    std::vector<GrantHandle> handles;
    for (u64 i = 0; i < 256; ++i) {
        const auto mapped = map(taker, owner, i < 128 ? 8 : 9, hole + i, read_only_map);
        ASSERT_EQ(mapped.status, GNTST_okay) << i;
        handles.push_back(mapped.handle);
    }
    EXPECT_EQ(map(taker, owner, 10, hole + 256).status, GNTST_no_space);
    EXPECT_EQ(in_use(owner, 10), 0);
    EXPECT_EQ(unmap(taker, handles[70], hole + 70), GNTST_okay);
    const auto again = map(taker, owner, 10, hole + 256);
    EXPECT_EQ(again.status, GNTST_okay);
    EXPECT_EQ(again.handle, handles[70]);
    EXPECT_EQ(map(taker, owner, 10, hole + 300).status, GNTST_no_space);
}

TEST_P(GrantMaps, AreNoMoreThanAPinCanCount) {
    promise(owner, 8, taker, 0x20);
    for (u64 i = 0; i < Pin::most; ++i)
        ASSERT_EQ(map(taker, owner, 8, hole + i, read_only_map).status, GNTST_okay);
    EXPECT_EQ(map(taker, owner, 8, hole + 500, read_only_map).status, GNTST_general_error);
    EXPECT_EQ(map(taker, owner, 8, hole + 500).status, GNTST_okay) << "writers are counted apart";
}

TEST_P(GrantMaps, AreLeftByTheHandleThatHasThem) {
    promise(owner, 8, taker, 0x20);
    EXPECT_EQ(unmap(taker, 0, hole), GNTST_bad_handle) << "none was ever given";
    const auto mapped = map(taker, owner, 8, hole);
    for (const GrantHandle wild : {1u, 255u, 256u, 1u << 30, ~0u})
        EXPECT_EQ(unmap(taker, wild, hole), GNTST_bad_handle);
    EXPECT_EQ(unmap(owner, mapped.handle, hole), GNTST_bad_handle) << "another's";
    EXPECT_EQ(unmap(taker, mapped.handle, hole + 1), GNTST_general_error);
    EXPECT_EQ(unmap(taker, mapped.handle, 0), GNTST_okay) << "nothing was asked";
    EXPECT_EQ(in_use(owner, 8), both);
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_bad_handle);
}

TEST_P(GrantMaps, OutliveTheWordAndTheOwnersMap) {
    promise(owner, 42, taker, 0x20);
    const auto mapped = map(taker, owner, 42, hole);
    const Mfn frame = taker.p2m.look_up(Gfn{hole})->frame;
    const u64 had = owner.frames_owned, free_then = free();
    {
        Quarantine quarantine{owner};
        ASSERT_TRUE(take_ram(owner, Gfn{0x20}, 0, quarantine).ok());
    }
    EXPECT_EQ(owner.frames_owned, had) << "it is its own for as long as another holds it";
    EXPECT_EQ(map(taker, owner, 42, hole + 1, read_only_map).status, GNTST_okay)
        << "what is in use cannot be taken back";
    EXPECT_EQ(taker.p2m.look_up(Gfn{hole + 1})->frame, frame);
    ASSERT_TRUE(give_ram(owner, Gfn{0x20}, 0).error().code == XEN_EPERM) << "it counts, too";
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
    EXPECT_LE(free(), free_then) << "one still holds it";
    EXPECT_EQ(unmap(taker, 1, hole + 1), GNTST_okay);
    EXPECT_EQ(owner.frames_owned, had - 1);
    EXPECT_EQ(uses(frame), 0u);
}

TEST_P(GrantMaps, KeepTheirPlaceAgainstAllElse) {
    promise(owner, 8, taker, 0x20);
    const auto mapped = map(taker, owner, 8, hole);
    EXPECT_EQ(map(taker, owner, 8, hole).status, GNTST_general_error) << "it is taken";
    {
        Quarantine quarantine{taker};
        EXPECT_FALSE(take_ram(taker, Gfn{hole}, 0, quarantine).ok());
        EXPECT_FALSE(unplace_frame(taker, Gfn{hole}, quarantine).ok());
        const Mfn own = taker.p2m.look_up(Gfn{5})->frame;
        EXPECT_FALSE(place_frame(taker, Gfn{hole}, own, x86::read_write, quarantine).ok());
    }
    EXPECT_FALSE(give_ram(taker, Gfn{hole}, 0).ok());
    EXPECT_FALSE(give_ram(taker, Gfn{hole}, 9).ok());
    xen_add_to_physmap_t wish{};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_gmfn;
    wish.idx = hole;
    wish.gpfn = hole + 1;
    EXPECT_EQ(small.call_with(taker, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, wish),
              -XEN_EINVAL);
    small.put(taker, 0x8000, vcpu_register_vcpu_info_t{hole, 0, 0});
    EXPECT_EQ(small.call(taker, __HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, 0x8000}),
              -XEN_EINVAL) << "we would write there after it is given back";
    promise(taker, 8, dom0, hole);
    EXPECT_EQ(map(dom0, taker, 8, hole).status, GNTST_bad_page) << "nor is it his to promise";
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
}

TEST_P(GrantMaps, TakeThePlaceOfRamThatStaysItsOwners) {
    promise(owner, 8, taker, 0x20);
    const u64 had = taker.frames_owned;
    const auto mapped = map(taker, owner, 8, 0x30);
    ASSERT_EQ(mapped.status, GNTST_okay);
    EXPECT_EQ(taker.frames_owned, had);
    EXPECT_EQ(unmap(taker, mapped.handle, 0x30), GNTST_okay);
    EXPECT_FALSE(taker.p2m.look_up(Gfn{0x30}).ok());
    end(taker);
    end(owner);
    EXPECT_EQ(free(), before);
}

TEST_P(GrantMaps, KeepADyingOwnerUntilTheLastIsGone) {
    promise(owner, 42, taker, 0x20);
    const auto mapped = map(taker, owner, 42, hole);
    const DomainId id = owner.id;
    const u64 frames = owner.frames_owned;
    end(owner);
    ASSERT_TRUE(find_domain(machine(), id)) << "it lingers";
    EXPECT_EQ(owner.life.load(), Life::dying);
    EXPECT_EQ(owner.frames_owned, 1u);
    EXPECT_EQ(map(taker, owner, 42, hole + 1).status, GNTST_bad_gntref) << "it promises no more";
    u64 word = 7;
    EXPECT_TRUE(write_guest(*taker.vcpus[0], hole << 12, &word, 8).ok());
    const u64 free_then = free();
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
    EXPECT_FALSE(find_domain(machine(), id)) << "it leaves by itself";
    EXPECT_GT(free(), free_then);
    EXPECT_GT(frames, 1u);
    end(taker);
    EXPECT_EQ(free(), before);
}

TEST_P(GrantMaps, AreGivenBackByADyingTaker) {
    for (GrantRef ref = 8; ref < 28; ++ref) {
        promise(owner, ref, taker, 0x20 + ref);
        ASSERT_EQ(map(taker, owner, ref, hole + ref).status, GNTST_okay);
    }
    small.cpu().asks = ask_reschedule;  // a check after each of them
    end(taker);
    for (GrantRef ref = 8; ref < 28; ++ref) {
        EXPECT_EQ(in_use(owner, ref), 0);
        EXPECT_EQ(uses(owner.p2m.look_up(Gfn{0x20 + ref})->frame), 2u);
    }
    end(owner);
    EXPECT_EQ(free(), before);
}

TEST_P(GrantMaps, MayBeOfOnesOwnPage) {
    promise(owner, 8, owner, 0x20);
    const auto mapped = map(owner, owner, 8, hole);
    ASSERT_EQ(mapped.status, GNTST_okay);
    EXPECT_EQ(unmap(owner, mapped.handle, hole), GNTST_okay);
    ASSERT_EQ(map(owner, owner, 8, hole).status, GNTST_okay);
    {
        Quarantine quarantine{owner};
        EXPECT_FALSE(take_ram(owner, Gfn{hole}, 0, quarantine).ok()) << "its use is the pin's";
        EXPECT_TRUE(take_ram(owner, Gfn{0x20}, 0, quarantine).ok());
    }
    end(owner);
    end(taker);
    EXPECT_EQ(free(), before);
}

TEST_P(GrantMaps, GoOnWhereTheyStopped) {
    constexpr unsigned count = 20;
    std::array<gnttab_map_grant_ref_t, count> maps{};
    std::array<gnttab_unmap_grant_ref_t, count> unmaps{};
    for (u32 i = 0; i < count; ++i) {
        promise(owner, 8 + i, taker, 0x20 + i);
        maps[i].host_addr = (hole + i) << page_shift;
        maps[i].flags = GNTMAP_host_map;
        maps[i].ref = 8 + i;
        maps[i].dom = owner.id;
    }
    small.hurry = true;
    small.put(taker, 0x8000, maps);
    EXPECT_EQ(small.call(taker, __HYPERVISOR_grant_table_op,
                         {GNTTABOP_map_grant_ref, 0x8000, count}), 0);
    EXPECT_EQ(small.repeats, count - 1);
    small.get(taker, 0x8000, maps);
    for (u32 i = 0; i < count; ++i) {
        EXPECT_EQ(maps[i].status, GNTST_okay);
        EXPECT_EQ(in_use(owner, 8 + i), both);
        unmaps[i].host_addr = maps[i].host_addr;
        unmaps[i].handle = maps[i].handle;
    }
    for (const bool hurry : {true, false}) {
        small.hurry = hurry;
        small.put(taker, 0x8000, unmaps);
        EXPECT_EQ(small.call(taker, __HYPERVISOR_grant_table_op,
                             {GNTTABOP_unmap_grant_ref, 0x8000, count}, !hurry), 0);
        std::array<gnttab_unmap_grant_ref_t, count> after;
        small.get(taker, 0x8000, after);
        for (u32 i = 0; i < count; ++i) {
            EXPECT_EQ(after[i].status, hurry ? GNTST_okay : GNTST_bad_handle);
            EXPECT_EQ(in_use(owner, 8 + i), 0);
        }
    }
}

TEST_P(GrantMaps, BeforeAnUnreadableWishAreDone) {
    std::array<gnttab_unmap_grant_ref_t, 1> unmaps{};
    promise(owner, 8, taker, 0x20);
    const auto mapped = map(taker, owner, 8, hole);
    unmaps[0].host_addr = hole << page_shift;
    unmaps[0].handle = mapped.handle;
    const u64 last = 2 * MiB - sizeof unmaps[0];
    small.put(taker, last, unmaps);
    EXPECT_EQ(small.call(taker, __HYPERVISOR_grant_table_op, {GNTTABOP_unmap_grant_ref, last, 2}),
              -XEN_EFAULT);
    EXPECT_EQ(in_use(owner, 8), 0);
    EXPECT_EQ(small.call(taker, __HYPERVISOR_grant_table_op, {GNTTABOP_map_grant_ref, last, 2}),
              -XEN_EFAULT);
}

TEST_P(GrantMaps, AreInUseUntilNoCpuCanReachThePage) {
    promise(owner, 8, taker, 0x20);
    const auto mapped = map(taker, owner, 8, hole);
    const Mfn frame = taker.p2m.look_up(Gfn{hole})->frame;
    {
        Quarantine quarantine{owner};
        ASSERT_TRUE(take_ram(owner, Gfn{0x20}, 0, quarantine).ok());
    }
    // Another pCPU executes the taker's guest, and may have the translation
    Whereabouts& there = whereabouts(*machine().cpus[1]);
    there.inside.store(taker.p2m.generation());
    std::atomic<bool> over{false};
    std::thread other{[&] {
        EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
        over = true;
    }};
    while ((machine().cpus[1]->asks.load() & ask_shootdown) == 0 && !over)
        ;
    EXPECT_FALSE(over);
    EXPECT_EQ(in_use(owner, 8), both) << "the owner is not told that it is free";
    EXPECT_NE(uses(frame), 0u);
    there.inside.store(0);
    other.join();
    EXPECT_EQ(in_use(owner, 8), 0);
    EXPECT_EQ(uses(frame), 0u);
}

}  // namespace
