// Grants of a guest that means harm: its table changes between two looks, and every operation is
// asked with whatever comes to its mind.
#include <random>
#include <unit/grants_guests.hpp>
#include <unit/tripwire.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class ChangingTable : public GrantGuests, public ::testing::WithParamInterface<u32> {
protected:
    ChangingTable() {
        EXPECT_EQ(set_version(owner, GetParam()), 0);
        promise(owner, ref, taker, 0x20);
    }
    /// Where we say that a promise is in use, as the first and only thing that we write.
    const void* marks() {
        GrantTable& table = grants_of(owner);
        return machine().memory.at(GetParam() == 2 ? table.status_frames[0] : table.frames[0]);
    }
    /// The header of the promise as its guest sees it: flags, and to whom it is made.
    u32& header() { return *reinterpret_cast<u32*>(entry(owner, ref)); }
    u32 uses_of_page() { return uses(owner.p2m.look_up(Gfn{0x20})->frame); }

    s16 copy_out() {
        gnttab_copy_t wish{};
        wish.source.u.ref = ref;
        wish.source.domid = owner.id;
        wish.dest.u.gmfn = 0x30;
        wish.dest.domid = DOMID_SELF;
        wish.len = page_size;
        wish.flags = GNTCOPY_source_gref;
        EXPECT_EQ(op(taker, GNTTABOP_copy, wish), 0);
        return wish.status;
    }

    static constexpr GrantRef ref = 8;
    Tripwire wire;
};

INSTANTIATE_TEST_SUITE_P(Version, ChangingTable, ::testing::Values(1u, 2u));

/// We looked and found the promise; before we can say that we use it, it is another one.
TEST_P(ChangingTable, IsLookedAtAgainAfterItWasMarked) {
    const u32 promised = GTF_permit_access | u32{taker.id} << 16;
    for (const u32 other : {0u, GTF_invalid | u32{taker.id} << 16,
                            GTF_permit_access | u32{dom0.id} << 16, promised | GTF_readonly,
                            GTF_accept_transfer | u32{taker.id} << 16}) {
        for (const bool maps : {true, false}) {
            header() = promised;
            wire.lay(marks(), [&] { __atomic_store_n(&header(), other, __ATOMIC_SEQ_CST); });
            // A copy only reads: that it may still
            const bool allowed = !maps && other == (promised | GTF_readonly);
            EXPECT_EQ(maps ? map(taker, owner, ref, hole).status : copy_out(),
                      allowed ? GNTST_okay : GNTST_general_error) << std::hex << other;
            EXPECT_TRUE(wire.is_tripped());
            EXPECT_EQ(in_use(owner, ref), 0);
            EXPECT_EQ(uses_of_page(), 2u);
            EXPECT_FALSE(taker.p2m.look_up(Gfn{hole}).ok());
            EXPECT_EQ(header() & 0xffff'ff07, other & 0xffff'ff07) << "and its word is its own";
        }
    }
}

/// The same with a second, deeper wish of somebody who reads it already.
TEST_P(ChangingTable, IsLookedAtAgainForTheRightToWrite) {
    const auto reads = map(taker, owner, ref, hole, read_only_map);
    ASSERT_EQ(reads.status, GNTST_okay);
    wire.lay(marks(), [&] { __atomic_fetch_or(&header(), GTF_readonly, __ATOMIC_SEQ_CST); });
    EXPECT_EQ(map(taker, owner, ref, hole + 1).status, GNTST_general_error);
    EXPECT_TRUE(wire.is_tripped());
    EXPECT_EQ(in_use(owner, ref), read) << "the first stays as it was";
    EXPECT_EQ(unmap(taker, reads.handle, hole), GNTST_okay);
    EXPECT_EQ(in_use(owner, ref), 0);
}

/// Every operation, with few and odd numbers, from a taker and an owner who change their tables in
/// between: what is in use stays accounted for, and all of it can be given back.
class AnyGrantOperation : public GrantGuests {
protected:
    u64 odd() {
        static constexpr u64 numbers[] = {0, 1, 7, 8, 9, 31, 255, 256, 511, 512, 1023, 2047, 4096,
                                          0x7ff0, 0x7ff4, 0xffff, 0x1ffff, 0x7fff'ffff, ~0u,
                                          1ull << 40, ~0ull >> 12, ~0ull};
        return dice() % 3 ? dice() % 16 : numbers[dice() % std::size(numbers)];
    }
    /// Some structure's bytes: fields that are near what is right, and some that are not.
    void write_wish(Domain& caller, u64 at) {
        u64 words[12];
        for (u64& word : words)
            word = dice() % 2 ? odd() : odd() | odd() << 32;
        if (dice() % 2)
            words[0] = (hole + dice() % 8) << page_shift;
        if (dice() % 2)
            words[1] = (dice() % 4) | u64{8 + dice() % 4} << 32;
        if (dice() % 2)
            words[2] = dice() % 3;
        small.put(caller, at, words);
    }
    void change_table(Domain& domain) {
        auto* const words = reinterpret_cast<u64*>(entry(domain, 8 + dice() % 4));
        const u64 head = (dice() % 8 ? u64{GTF_permit_access} : odd() & 0xffff) |
                         u64{dice() % 3} << 16;
        words[0] = grants_of(domain).version == 1 ? head | u64{0x20 + dice() % 4} << 32 : head;
        if (grants_of(domain).version == 2)
            words[1] = dice() % 4 ? 0x20 + dice() % 4 : odd();
    }

    std::mt19937 dice{42};
};

TEST_F(AnyGrantOperation, LeavesEveryAccountRight) {
    Domain* const domains[] = {&owner, &taker};
    unsigned held = 0;
    for (unsigned round = 0; round < 30'000; ++round) {
        Domain& caller = *domains[dice() % 2];
        change_table(*domains[dice() % 2]);
        const u64 at = dice() % 64 ? 0x8000 : 2 * MiB - dice() % 64;
        write_wish(caller, 0x8000);
        const u32 count = dice() % 4 ? 1 : static_cast<u32>(odd() % 5);
        const s64 result = small.call(caller, __HYPERVISOR_grant_table_op,
                                      {dice() % 4 ? dice() % 2 : dice() % 14, at, count});
        ASSERT_LE(result, 0) << round;
        for (GrantRef ref = 8; ref < 12; ++ref)
            held += grants_of(owner).is_held(ref);
    }
    EXPECT_GT(held, 1000u) << "some of it must have been right";
    end(taker);
    end(owner);
    EXPECT_GE(free() + 1, before) << "what is remembered of dom0's promises stays with it";
}

}  // namespace
