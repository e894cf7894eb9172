// A grant table's size and layout: what a guest may ask, what is kept, and what is refused unread.
#include <unit/grants_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class GrantTableOps : public GrantGuests {
protected:
    s64 raw(unsigned operation, u64 address, u64 count) {
        return small.call(taker, __HYPERVISOR_grant_table_op, {operation, address, count});
    }
    Result<DomainRef> make(int32_t frames, int32_t handles, u32 options) {
        xen_domctl_createdomain wish{};
        wish.max_vcpus = 1;
        wish.max_grant_frames = frames;
        wish.max_maptrack_frames = handles;
        wish.grant_opts = options;
        return create_domain(machine(), small.cpu(), 0, wish);
    }
    s64 place(Domain& domain, u64 index, u64 gfn) {
        xen_add_to_physmap_t wish{};
        wish.domid = DOMID_SELF;
        wish.space = XENMAPSPACE_grant_table;
        wish.idx = index;
        wish.gpfn = gfn;
        return small.call_with(domain, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, wish);
    }
    s16 swap(GrantRef a, GrantRef b) {
        gnttab_swap_grant_ref_t wish{a, b, 1};
        EXPECT_EQ(op(owner, GNTTABOP_swap_grant_ref, wish), 0);
        return wish.status;
    }
};

TEST_F(GrantTableOps, ThatXenRefusesAPvhGuest) {
    for (const unsigned operation :
         {unsigned{GNTTABOP_dump_table}, unsigned{GNTTABOP_transfer},
          unsigned{GNTTABOP_unmap_and_replace}, unsigned{GNTTABOP_get_status_frames},
          unsigned{GNTTABOP_cache_flush}, 13u, 32u, 33u, 1u << 20, ~0u})
        for (const u64 count : {0ull, 1ull, 1ull << 31, ~0ull})
            EXPECT_EQ(raw(operation, 0x8000, count), -XEN_ENOSYS) << operation;
}

TEST_F(GrantTableOps, AreGivenACountOrNone) {
    for (const unsigned operation : {0u, 1u, 5u, 11u}) {
        EXPECT_EQ(raw(operation, 1ull << 30, 0), 0);
        EXPECT_EQ(raw(operation, 1ull << 30, 1), -XEN_EFAULT);
        EXPECT_EQ(raw(operation, 0x8000, 1ull << 31), -XEN_EINVAL);
        EXPECT_EQ(raw(operation, 0x8000, ~0ull), -XEN_EINVAL);
    }
    for (const unsigned operation : {2u, 6u})
        for (const u64 count : {0, 2})
            EXPECT_EQ(raw(operation, 0x8000, count), -XEN_EINVAL);
    small.put(taker, 0x8000, gnttab_get_version_t{DOMID_SELF, 0, 0});
    EXPECT_EQ(raw(GNTTABOP_get_version, 0x8000, 7), 0);
}

TEST_F(GrantTableOps, TellTheSizeAndMakeItGrow) {
    gnttab_query_size_t size{};
    size.dom = DOMID_SELF;
    EXPECT_EQ(op(taker, GNTTABOP_query_size, size), 0);
    EXPECT_EQ(size.nr_frames, 1u) << "one from birth";
    EXPECT_EQ(size.max_nr_frames, 4u);
    gnttab_setup_table_t setup{};
    setup.dom = DOMID_SELF;
    setup.frame_list.p = reinterpret_cast<xen_pfn_t*>(0x9000);
    for (const u32 frames : {5u, 1u << 31, ~0u}) {
        setup.nr_frames = frames;
        EXPECT_EQ(op(taker, GNTTABOP_setup_table, setup), 0);
        EXPECT_EQ(setup.status, GNTST_general_error);
    }
    setup.nr_frames = 4;
    EXPECT_EQ(op(taker, GNTTABOP_setup_table, setup), 0);
    EXPECT_EQ(setup.status, GNTST_okay);
    EXPECT_EQ(grants_of(taker).entry_count(), 2048u);
    promise(taker, 2047, owner, 0x20);
    EXPECT_EQ(map(owner, taker, 2047, hole).status, GNTST_okay);
    EXPECT_EQ(map(owner, taker, 2048, hole + 1).status, GNTST_bad_gntref);
}

TEST_F(GrantTableOps, KeepTheLimitsOfTheToolstack) {
    const u64 had = free();
    for (const auto& [frames, handles, options] :
         {std::tuple{0, 1, 1}, {65, 1, 1}, {1, 1025, 1}, {1, 1, 0}, {1, 1, 3}}) {
        const auto made = make(frames, handles, static_cast<u32>(options));
        EXPECT_EQ(made.error().code, XEN_EINVAL);
        EXPECT_EQ(free(), had) << "and nothing of it is left";
    }
    auto made = make(-1, -1, 1);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(grants_of(**made).limit, 64u);
    EXPECT_EQ(grants_of(**made).handle_limit, 1024u);
    EXPECT_EQ(change_version(**made, 2).ok(), true) << "only its guest is held to version 1";
    end(**made);
    *made = DomainRef{};
    EXPECT_EQ(free(), had);
}

TEST_F(GrantTableOps, WithoutHandlesMapNothing) {
    grants_of(taker).handle_limit = 0;
    promise(owner, 8, taker, 0x20);
    EXPECT_EQ(map(taker, owner, 8, hole).status, GNTST_no_space);
    EXPECT_EQ(in_use(owner, 8), 0);
}

TEST_F(GrantTableOps, ChangeTheLayoutAndKeepTheFirstEight) {
    promise(owner, 1, dom0, 0x21);
    promise(owner, 7, taker, 0x27, GTF_permit_access | GTF_readonly);
    promise(owner, 8, taker, 0x28);
    const auto mapped = map(dom0, owner, 1, hole);
    ASSERT_EQ(mapped.status, GNTST_okay);
    EXPECT_EQ(set_version(owner, 2), 0);
    EXPECT_EQ(in_use(owner, 1), both) << "it is in use all the while";
    EXPECT_EQ(second(owner, 1).hdr.flags, GTF_permit_access);
    EXPECT_EQ(second(owner, 1).full_page.frame, 0x21u);
    EXPECT_EQ(second(owner, 7).hdr.flags, GTF_permit_access | GTF_readonly);
    EXPECT_EQ(second(owner, 7).hdr.domid, taker.id);
    EXPECT_EQ(second(owner, 8).hdr.flags, 0);
    EXPECT_EQ(grants_of(owner).entry_count(), 256u);
    EXPECT_EQ(map(taker, owner, 7, hole, read_only_map).status, GNTST_okay);
    EXPECT_EQ(set_version(owner, 1), 0);
    EXPECT_EQ(first(owner, 1).flags, GTF_permit_access | both);
    EXPECT_EQ(first(owner, 7).flags, GTF_permit_access | GTF_readonly | read);
    EXPECT_EQ(unmap(dom0, mapped.handle, hole), GNTST_okay);
    EXPECT_EQ(in_use(owner, 1), 0);

    promise(owner, 8, taker, 0x28);
    EXPECT_EQ(map(taker, owner, 8, hole + 1).status, GNTST_okay);
    EXPECT_EQ(set_version(owner, 2), -XEN_EBUSY);
    for (const u32 version : {0u, 3u, ~0u})
        EXPECT_EQ(set_version(owner, version), -XEN_EINVAL);
    grants_of(taker).most_version = 1;
    EXPECT_EQ(set_version(taker, 2), -XEN_ENOSYS);
    EXPECT_EQ(set_version(taker, 1), 0);
}

TEST_F(GrantTableOps, ShowTheStatusFrames) {
    constexpr u64 status = XENMAPIDX_grant_table_status;
    EXPECT_EQ(place(owner, status, hole), -XEN_EINVAL) << "version 1 has none";
    ASSERT_EQ(set_version(owner, 2), 0);
    ASSERT_EQ(place(owner, status, hole), 0);
    EXPECT_EQ(place(owner, status + 1, hole + 1), -XEN_EINVAL) << "for 4 frames there is one";
    EXPECT_EQ(place(owner, status + 0x7fffffff, hole + 1), -XEN_EINVAL);
    EXPECT_EQ(place(owner, 3, hole + 1), 0);
    promise(owner, 1023, taker, 0x20);
    ASSERT_EQ(map(taker, owner, 1023, hole).status, GNTST_okay);
    u16 word = 0;
    small.get(owner, (hole << 12) + 2 * 1023, word);
    EXPECT_EQ(word, both);
    end(owner);
    end(taker);
    EXPECT_EQ(free(), before);
}

TEST_F(GrantTableOps, SwapWhatNobodyUses) {
    for (const u32 version : {1u, 2u}) {
        ASSERT_EQ(set_version(owner, version), 0);
        promise(owner, 8, taker, 0x20);
        promise(owner, 9, dom0, 0x21);
        EXPECT_EQ(swap(8, 9), GNTST_okay);
        EXPECT_EQ(map(dom0, owner, 8, hole + version).status, GNTST_okay);
        EXPECT_EQ(swap(8, 9), GNTST_eagain);
        EXPECT_EQ(swap(9, 8), GNTST_eagain);
        EXPECT_EQ(swap(8, 8), GNTST_okay);
        for (const GrantRef wild : {512u, ~0u}) {
            EXPECT_EQ(swap(8, wild), GNTST_bad_gntref);
            EXPECT_EQ(swap(wild, 8), GNTST_bad_gntref);
        }
        EXPECT_EQ(unmap(dom0, 0, hole + version), GNTST_okay);
    }
}

TEST_F(GrantTableOps, WithoutMemoryFailAndLoseNothing) {
    promise(owner, 8, taker, 0x20);
    std::vector<Mfn> taken;
    while (const auto frame = machine().frames.take(owner_hypervisor))
        taken.push_back(*frame);
    EXPECT_EQ(map(taker, owner, 8, hole).status, GNTST_no_space);
    EXPECT_EQ(grow(owner, 2).error().code, XEN_ENOMEM);
    EXPECT_EQ(set_version(owner, 2), -XEN_ENOMEM);
    EXPECT_EQ(grants_of(owner).version, 1u);
    for (const Mfn frame : taken)
        machine().frames.give_back(frame);
    const u64 pool = std::exchange(taker.p2m.pool, taker.p2m.table_frames());
    EXPECT_EQ(map(taker, owner, 8, 0x4000000).status, GNTST_general_error) << "no table for it";
    taker.p2m.pool = pool;
    EXPECT_EQ(in_use(owner, 8), 0);
    EXPECT_EQ(grants_of(owner).is_held(8), false);
    EXPECT_EQ(map(taker, owner, 8, hole).status, GNTST_okay);
}

}  // namespace
