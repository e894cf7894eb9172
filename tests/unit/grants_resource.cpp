// XENMEM_acquire_resource: the toolstack looks into a domain's grant table, also a dying one's.
#include <unit/grants_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class GrantResource : public GrantGuests {
protected:
    static constexpr u64 list_at = 0x9000, place = 0x700;

    xen_mem_acquire_resource_t wish(u64 frame = 0, u32 count = 1, u32 id = 0) {
        xen_mem_acquire_resource_t acquisition{};
        acquisition.domid = owner.id;
        acquisition.type = XENMEM_resource_grant_table;
        acquisition.id = id;
        acquisition.frame = frame;
        acquisition.nr_frames = count;
        acquisition.frame_list.p = reinterpret_cast<xen_pfn_t*>(list_at);
        return acquisition;
    }
    s64 acquire(xen_mem_acquire_resource_t& acquisition, Domain* by = nullptr) {
        Domain& caller = by != nullptr ? *by : dom0;
        for (u64 i = 0; i < 8; ++i)
            small.put(caller, list_at + i * 8, place + i);
        return small.call_with(caller, __HYPERVISOR_memory_op, XENMEM_acquire_resource,
                               acquisition);
    }
    s64 acquire(xen_mem_acquire_resource_t&& acquisition, Domain* by = nullptr) {
        return acquire(acquisition, by);
    }
    Mfn seen(u64 gfn) { return dom0.p2m.look_up(Gfn{gfn})->frame; }
};

TEST_F(GrantResource, ShowsTheFramesOfATable) {
    promise(owner, 8, taker, 0x20);
    EXPECT_EQ(acquire(wish()), 0);
    EXPECT_EQ(seen(place), grants_of(owner).frames[0]);
    EXPECT_EQ(acquire(wish(1, 3)), 0) << "the table grows, as on Xen";
    EXPECT_EQ(grants_of(owner).frame_count, 4u);
    EXPECT_EQ(seen(place + 2), grants_of(owner).frames[3]);
    EXPECT_EQ(uses(grants_of(owner).frames[3]), 2u) << "the table's own, and dom0's";
}

TEST_F(GrantResource, SaysHowManyThereAre) {
    auto size = wish(0, 0);
    size.frame_list.p = nullptr;
    EXPECT_EQ(acquire(size), 0);
    EXPECT_EQ(size.nr_frames, 4u);
    size.id = XENMEM_resource_grant_table_id_status;
    size.nr_frames = 0;
    EXPECT_EQ(acquire(size), -XEN_EINVAL) << "version 1 has none";
    ASSERT_EQ(set_version(owner, 2), 0);
    EXPECT_EQ(acquire(size), 0);
    EXPECT_EQ(size.nr_frames, 1u);
    EXPECT_EQ(acquire(wish(0, 1, XENMEM_resource_grant_table_id_status)), 0);
    EXPECT_EQ(seen(place), grants_of(owner).status_frames[0]);
}

TEST_F(GrantResource, RefusesWhatXenRefuses) {
    EXPECT_EQ(acquire(wish(), &taker), -XEN_EOPNOTSUPP) << "a guest, whatever it asks";
    EXPECT_EQ(acquire(wish(), &owner), -XEN_EOPNOTSUPP);
    auto other = wish();
    other.pad = 1;
    EXPECT_EQ(acquire(other), -XEN_EINVAL);
    other = wish();
    for (const DomainId nobody : {DomainId{99}, DomainId{DOMID_SELF}}) {
        other.domid = nobody;
        EXPECT_EQ(acquire(other), -XEN_ESRCH);
    }
    other.domid = dom0.id;
    EXPECT_EQ(acquire(other), -XEN_EPERM);
    for (const u16 kind : {u16{0}, u16{3}, u16{0xffff}}) {
        other = wish();
        other.type = kind;
        EXPECT_EQ(acquire(other), -XEN_EINVAL);
    }
    EXPECT_EQ(acquire(wish(0, 1, 7)), -XEN_EINVAL) << "no such table";
    EXPECT_EQ(acquire(wish(4, 1)), -XEN_EINVAL);
    EXPECT_EQ(acquire(wish(3, 2)), -XEN_EINVAL);
    EXPECT_EQ(acquire(wish(~0ull, 1)), -XEN_EINVAL) << "a sum that wraps";
    other = wish();
    other.frame_list.p = reinterpret_cast<xen_pfn_t*>(1ull << 30);
    EXPECT_EQ(acquire(other), -XEN_EFAULT);
    EXPECT_EQ(uses(grants_of(owner).frames[0]), 1u);
}

TEST_F(GrantResource, GoesOnWhereItStopped) {
    small.hurry = true;
    EXPECT_EQ(acquire(wish(0, 4)), 0);
    EXPECT_EQ(small.repeats, 3u);
    for (u32 i = 0; i < 4; ++i)
        EXPECT_EQ(seen(place + i), grants_of(owner).frames[i]);
}

TEST_F(GrantResource, ShowsWhoHoldsADyingDomain) {
    promise(owner, 8, taker, 0x20);
    promise(owner, 9, taker, 0x21);
    const auto mapped = map(taker, owner, 8, hole);
    const DomainId id = owner.id;
    end(owner);
    EXPECT_EQ(acquire(wish()), 0);
    const auto* entries = machine().memory.as<grant_entry_v1_t>(address_of(seen(place)));
    EXPECT_EQ(entries[8].flags, GTF_permit_access | both);
    EXPECT_EQ(entries[8].domid, taker.id);
    EXPECT_EQ(map(taker, owner, 9, hole + 1).status, GNTST_bad_gntref)
        << "it promises nothing more";
    EXPECT_EQ(acquire(wish(1, 1)), -XEN_EINVAL) << "and its table grows no more";

    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
    EXPECT_FALSE(find_domain(machine(), id)) << "gone, with its table but dom0's page";
    EXPECT_EQ(entries[8].flags, GTF_permit_access) << "the last that was written there";
}

TEST_F(GrantResource, LeavesNothingBehind) {
    EXPECT_EQ(acquire(wish()), 0);
    const u64 free_before = free();
    EXPECT_EQ(acquire(wish()), 0) << "in place of itself";
    xen_remove_from_physmap_t gone{DOMID_SELF, place};
    EXPECT_EQ(small.call_with(dom0, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, gone), 0);
    EXPECT_EQ(uses(grants_of(owner).frames[0]), 1u);
    end(owner);
    end(taker);
    EXPECT_GE(free(), free_before);
}

}  // namespace
