// memory_op: extents, continuation, the map, foreign pages, and both word sizes.
#include <unit/small_machine.hpp>
#include <xen/memory.h>

using namespace hv;
using namespace hv::test;

namespace {

constexpr u64 list_at = 0x4000, batch_at = 0x9000;

xen_memory_reservation_t reservation(u64 count, u32 order, DomainId domain) {
    xen_memory_reservation_t wish{};
    wish.extent_start.p = reinterpret_cast<xen_pfn_t*>(list_at);
    wish.nr_extents = count;
    wish.extent_order = order;
    wish.domid = domain;
    return wish;
}

class MemoryOp : public ::testing::Test {
protected:
    SmallMachine small;
    Domain& dom0 = small.add_domain();
    Domain& guest = small.add_domain();

    void list(Domain& caller, std::initializer_list<u64> gfns) {
        u64 at = list_at;
        for (u64 gfn : gfns) {
            small.put(caller, at, gfn);
            at += 8;
        }
    }
    s64 memory(Domain& caller, u64 operation, auto& structure) {
        return small.call_with(caller, __HYPERVISOR_memory_op, operation, structure);
    }
};

TEST_F(MemoryOp, PopulatesUntilTheLimitAndSaysHowFarItCame) {
    guest.frames_limit += 2;
    list(guest, {0x400, 0x401, 0x402});
    auto wish = reservation(3, 0, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, wish), 2);
    EXPECT_TRUE(guest.p2m.look_up(Gfn{0x401}).ok());
    EXPECT_FALSE(guest.p2m.look_up(Gfn{0x402}).ok());
}

TEST_F(MemoryOp, GivesEveryFrameBack) {
    // The first one takes the superpage apart, for which a table is needed
    list(guest, {0x50});
    auto first = reservation(1, 0, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_decrease_reservation, first), 1);

    const u64 free = small.machine().frames.free_count();
    list(guest, {0x40, 0x41, 0x42, 0x43});
    auto wish = reservation(4, 0, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_decrease_reservation, wish), 4);
    EXPECT_EQ(small.machine().frames.free_count(), free + 4);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, wish), 4);
    EXPECT_EQ(small.machine().frames.free_count(), free);
}

TEST_F(MemoryOp, GoesOnWhereItStopped) {
    guest.frames_limit += 8;
    list(dom0, {0x400, 0x401, 0x402, 0x403, 0x404});
    auto wish = reservation(5, 0, guest.id);
    small.hurry = true;
    EXPECT_EQ(memory(dom0, XENMEM_populate_physmap, wish), 5);
    EXPECT_EQ(small.repeats, 4u);
    EXPECT_TRUE(guest.p2m.look_up(Gfn{0x404}).ok());
}

TEST_F(MemoryOp, TakesAWholeSuperpage) {
    guest.frames_limit += 512;
    list(dom0, {0x400});
    auto wish = reservation(1, 9, guest.id);
    EXPECT_EQ(memory(dom0, XENMEM_populate_physmap, wish), 1);
    EXPECT_EQ(guest.p2m.look_up(Gfn{0x5ff})->order, 9);
}

TEST_F(MemoryOp, FillsAndTakesExtentsOfAnyOrder) {
    guest.frames_limit += 4;
    list(guest, {0x404});
    auto wish = reservation(1, 2, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, wish), 1);
    EXPECT_TRUE(guest.p2m.look_up(Gfn{0x407}).ok());
    EXPECT_EQ(memory(guest, XENMEM_decrease_reservation, wish), 1);
    EXPECT_FALSE(guest.p2m.look_up(Gfn{0x404}).ok());
}

TEST_F(MemoryOp, RefusesWhatNobodyMayAsk) {
    guest.frames_limit += 512;
    list(guest, {0x400});
    auto others = reservation(1, 0, dom0.id);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, others), 0) << "another domain's memory";
    auto huge = reservation(1, 10, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, huge), 0) << "an extent above 2 MiB";
    auto many = reservation(~0ull, 0, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, many), 0) << "more than can be continued";
    list(guest, {~0ull});
    auto wrapped = reservation(1, 0, DOMID_SELF);
    EXPECT_EQ(memory(guest, XENMEM_populate_physmap, wrapped), 0) << "a frame number that wraps";
    EXPECT_EQ(memory(guest, XENMEM_decrease_reservation, wrapped), 0);
}

TEST_F(MemoryOp, UnderstandsThirtyTwoBitCallers) {
    guest.frames_limit += 2;
    const u32 gfns[] = {0x400, 0x401};
    const u32 wish[] = {list_at, 2, 0, 0, DOMID_SELF};
    small.put(guest, list_at, gfns);
    small.put(guest, 0x8000, wish);
    EXPECT_EQ(small.call(guest, __HYPERVISOR_memory_op, {XENMEM_populate_physmap, 0x8000}, false),
              2);
    EXPECT_TRUE(guest.p2m.look_up(Gfn{0x401}).ok());
}

TEST_F(MemoryOp, ShowsSharedInfoInPlaceOfRam) {
    const u64 owned = guest.frames_owned;
    xen_add_to_physmap_t wish{};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_shared_info;
    wish.gpfn = 0x10;
    EXPECT_EQ(memory(guest, XENMEM_add_to_physmap, wish), 0);
    EXPECT_EQ(guest.p2m.look_up(Gfn{0x10})->frame, guest.shared_info_frame);
    EXPECT_EQ(guest.frames_owned, owned - 1) << "the RAM that stood there went back";
    wish.idx = 1;
    EXPECT_EQ(memory(guest, XENMEM_add_to_physmap, wish), -XEN_EINVAL);
    wish.space = XENMAPSPACE_gmfn_foreign;
    EXPECT_EQ(memory(guest, XENMEM_add_to_physmap, wish), -XEN_ENOSYS) << "only in a batch";
    wish.space = 77;
    EXPECT_EQ(memory(guest, XENMEM_add_to_physmap, wish), -XEN_EINVAL);
}

TEST_F(MemoryOp, MovesAPageOfItsOwn) {
    small.put(guest, 0x20000, u64{0xfeed});
    xen_add_to_physmap_t wish{};
    wish.domid = DOMID_SELF;
    wish.space = XENMAPSPACE_gmfn;
    wish.idx = 0x20;
    wish.gpfn = 0x500;
    EXPECT_EQ(memory(guest, XENMEM_add_to_physmap, wish), 0);
    EXPECT_FALSE(guest.p2m.look_up(Gfn{0x20}).ok());
    u64 moved = 0;
    small.get(guest, 0x500000, moved);
    EXPECT_EQ(moved, 0xfeedu);
}

class ForeignPages : public MemoryOp {
protected:
    xen_add_to_physmap_batch_t batch(u16 size) {
        xen_add_to_physmap_batch_t wish{};
        wish.domid = DOMID_SELF;
        wish.space = XENMAPSPACE_gmfn_foreign;
        wish.size = size;
        wish.u.foreign_domid = guest.id;
        wish.idxs.p = reinterpret_cast<xen_ulong_t*>(list_at);
        wish.gpfns.p = reinterpret_cast<xen_pfn_t*>(list_at + 0x100);
        wish.errs.p = reinterpret_cast<int*>(list_at + 0x200);
        return wish;
    }
    int error(u64 entry) {
        int code = 1;
        small.get(dom0, list_at + 0x200 + entry * 4, code);
        return code;
    }
};

TEST_F(ForeignPages, AreSeenThroughTheWindowEachWithItsOwnError) {
    small.put(guest, 0x30000, u64{0xcafe});
    list(dom0, {0x30, 0x99999});
    small.put(dom0, list_at + 0x100, u64{0x40000});
    small.put(dom0, list_at + 0x108, u64{0x40001});
    auto wish = batch(2);
    small.hurry = true;
    EXPECT_EQ(memory(dom0, XENMEM_add_to_physmap_batch, wish), 0);
    EXPECT_EQ(error(0), 0);
    EXPECT_EQ(error(1), -XEN_ENOENT);
    EXPECT_EQ(small.repeats, 1u);
    u64 seen = 0;
    small.get(dom0, 0x40000000, seen);
    EXPECT_EQ(seen, 0xcafeu);
}

TEST_F(ForeignPages, AreNotForGuests) {
    list(guest, {0x30});
    small.put(guest, list_at + 0x100, u64{0x600});
    auto wish = batch(1);
    wish.u.foreign_domid = dom0.id;
    EXPECT_EQ(memory(guest, XENMEM_add_to_physmap_batch, wish), 0);
    int code = 0;
    small.get(guest, list_at + 0x200, code);
    EXPECT_EQ(code, -XEN_EPERM);
}

TEST_F(ForeignPages, HoldADyingDomainToTheWorld) {
    list(dom0, {0x30});
    small.put(dom0, list_at + 0x100, u64{0x40000});
    auto wish = batch(1);
    const DomainId id = guest.id;
    ASSERT_EQ(memory(dom0, XENMEM_add_to_physmap_batch, wish), 0);
    auto end = domctl_of(XEN_DOMCTL_destroydomain, id);
    EXPECT_EQ(small.domctl(dom0, end), 0);
    {
        const DomainRef held = find_domain(small.machine(), id);
        ASSERT_TRUE(held) << "one page of it is still mapped";
        EXPECT_EQ(held->life.load(), Life::dying);
    }
    xen_remove_from_physmap_t remove{DOMID_SELF, 0x40000};
    EXPECT_EQ(memory(dom0, XENMEM_remove_from_physmap, remove), 0);
}

TEST_F(MemoryOp, KeepsTheMapThatTheToolstackSet) {
    struct [[gnu::packed]] Line {
        u64 start, bytes;
        u32 kind;
    } lines[2] = {{0, 0xa0000, 1}, {1 << 20, 1 << 20, 1}};
    small.put(dom0, list_at, lines);
    xen_foreign_memory_map_t set{};
    set.domid = guest.id;
    set.map.nr_entries = 2;
    set.map.buffer.p = reinterpret_cast<void*>(list_at);
    xen_memory_map_t ask{};
    ask.nr_entries = 8;
    ask.buffer.p = reinterpret_cast<void*>(list_at);
    EXPECT_EQ(memory(guest, XENMEM_memory_map, ask), -XEN_ENOSYS) << "none was set yet";
    EXPECT_EQ(memory(dom0, XENMEM_set_memory_map, set), 0);
    EXPECT_EQ(memory(guest, XENMEM_memory_map, ask), 0);
    EXPECT_EQ(ask.nr_entries, 2u);
    Line seen[2];
    small.get(guest, list_at, seen);
    EXPECT_EQ(seen[1].start, 1u << 20);
    set.map.nr_entries = 100000;
    EXPECT_EQ(memory(dom0, XENMEM_set_memory_map, set), -XEN_EINVAL);
}

}  // namespace
