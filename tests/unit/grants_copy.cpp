// GNTTABOP_copy: from frames and references to frames and references, and what it refuses.
#include <cstring>
#include <unit/grants_guests.hpp>

using namespace hv;
using namespace hv::test;

namespace {

class GrantCopies : public GrantGuests {
protected:
    GrantCopies() {
        for (u32 i = 0; i < page_size; ++i) {
            *small.at(owner, 0x20000 + i) = static_cast<u8>(i * 7);
            *small.at(taker, 0x30000 + i) = 0xee;
        }
    }
    /// From the owner's reference to the taker's frame 0x30, unless changed.
    gnttab_copy_t wish(GrantRef ref = 8, u16 length = page_size) {
        gnttab_copy_t copy{};
        copy.source.u.ref = ref;
        copy.source.domid = owner.id;
        copy.dest.u.gmfn = 0x30;
        copy.dest.domid = DOMID_SELF;
        copy.len = length;
        copy.flags = GNTCOPY_source_gref;
        return copy;
    }
    s16 copy(gnttab_copy_t one, Domain* by = nullptr) {
        EXPECT_EQ(op(by != nullptr ? *by : taker, GNTTABOP_copy, one), 0);
        return one.status;
    }
    bool same(u64 in_owner, u64 in_taker, u64 length) {
        return std::memcmp(small.at(owner, in_owner), small.at(taker, in_taker), length) == 0;
    }
    /// No pin and no use of a page is left.
    void expect_let_go(GrantRef ref = 8) {
        EXPECT_EQ(in_use(owner, ref), 0);
        EXPECT_FALSE(grants_of(owner).is_held(ref));
        EXPECT_EQ(uses(owner.p2m.look_up(Gfn{0x20})->frame), 2u);
        EXPECT_EQ(uses(taker.p2m.look_up(Gfn{0x30})->frame), 2u);
    }
};

TEST_F(GrantCopies, BringAPageOrAPieceOfIt) {
    promise(owner, 8, taker, 0x20, GTF_permit_access | GTF_readonly);
    EXPECT_EQ(copy(wish()), GNTST_okay);
    EXPECT_TRUE(same(0x20000, 0x30000, page_size));
    auto piece = wish(8, 33);
    piece.source.offset = 5;
    piece.dest.offset = 4063;
    EXPECT_EQ(copy(piece), GNTST_okay);
    EXPECT_TRUE(same(0x20005, 0x30fdf, 33));
    EXPECT_TRUE(same(0x20000, 0x30000, 4063)) << "and nothing beside it";
    expect_let_go();
}

TEST_F(GrantCopies, GoTheOtherWayAndStayAtHome) {
    promise(owner, 8, taker, 0x20);
    gnttab_copy_t back{};
    back.source.u.gmfn = 0x30;
    back.source.domid = DOMID_SELF;
    back.dest.u.ref = 8;
    back.dest.domid = owner.id;
    back.len = 100;
    back.flags = GNTCOPY_dest_gref;
    EXPECT_EQ(copy(back), GNTST_okay);
    EXPECT_TRUE(same(0x20000, 0x30000, 100));
    EXPECT_FALSE(same(0x20000, 0x30000, 101));
    auto home = back;
    home.flags = 0;
    home.dest = home.source;
    home.dest.offset = 1;
    *small.at(taker, 0x30000) = 1;
    EXPECT_EQ(copy(home), GNTST_okay) << "one page, overlapping";
    EXPECT_EQ(*small.at(taker, 0x30001), 1);
    expect_let_go();
}

TEST_F(GrantCopies, AreRefusedEachForItsReason) {
    promise(owner, 8, taker, 0x20, GTF_permit_access | GTF_readonly);
    promise(owner, 9, dom0, 0x20);
    promise(owner, 10, taker, 0x5000);
    EXPECT_EQ(copy(wish(9)), GNTST_general_error);
    EXPECT_EQ(copy(wish(10)), GNTST_bad_page);
    EXPECT_EQ(copy(wish(11)), GNTST_general_error) << "never promised";
    EXPECT_EQ(copy(wish(512)), GNTST_bad_gntref);
    EXPECT_EQ(copy(wish(~0u)), GNTST_bad_gntref);
    EXPECT_EQ(copy(wish(8, 4097)), GNTST_bad_copy_arg);
    EXPECT_EQ(copy(wish(8, 0xffff)), GNTST_bad_copy_arg);
    EXPECT_EQ(copy(wish(~0u, 0)), GNTST_bad_gntref) << "no byte is asked for like any other";
    EXPECT_EQ(copy(wish(8, 0)), GNTST_okay);
    auto other = wish();
    other.source.offset = 1;
    EXPECT_EQ(copy(other), GNTST_bad_copy_arg);
    other = wish();
    other.dest.offset = 0xffff;
    EXPECT_EQ(copy(other), GNTST_bad_copy_arg);
    other = wish();
    other.source.domid = 99;
    EXPECT_EQ(copy(other), GNTST_bad_domain);
    other = wish();
    other.flags = 0;
    EXPECT_EQ(copy(other), GNTST_permission_denied) << "another's frame by its number";
    other.source.domid = 99;
    EXPECT_EQ(copy(other), GNTST_bad_domain);
    other = wish();
    other.dest.domid = taker.id;
    EXPECT_EQ(copy(other), GNTST_permission_denied) << "as on Xen, only DOMID_SELF is oneself";
    other = wish();
    for (const u64 gfn : {0x5000ull, 1ull << 36, ~0ull}) {
        other.dest.u.gmfn = gfn;
        EXPECT_EQ(copy(other), GNTST_bad_page);
    }
    other = wish();
    std::swap(other.source, other.dest);
    other.flags = GNTCOPY_dest_gref;
    EXPECT_EQ(copy(other), GNTST_general_error) << "it may only be read";
    expect_let_go();
    expect_let_go(10);
}

TEST_F(GrantCopies, StandBesideMappings) {
    promise(owner, 8, taker, 0x20);
    const auto mapped = map(taker, owner, 8, hole, read_only_map);
    EXPECT_EQ(copy(wish()), GNTST_okay);
    EXPECT_EQ(in_use(owner, 8), read);
    auto from_borrowed = wish();
    from_borrowed.source.u.gmfn = hole;
    from_borrowed.source.domid = DOMID_SELF;
    from_borrowed.flags = 0;
    EXPECT_EQ(copy(from_borrowed), GNTST_bad_page) << "it is not the taker's own";
    EXPECT_EQ(unmap(taker, mapped.handle, hole), GNTST_okay);
    expect_let_go();
}

TEST_F(GrantCopies, StayInThePartThatWasPromised) {
    ASSERT_EQ(set_version(owner, 2), 0);
    second(owner, 8).sub_page.page_off = 16;
    second(owner, 8).sub_page.length = 32;
    second(owner, 8).sub_page.frame = 0x20;
    second(owner, 8).hdr = {GTF_permit_access | GTF_sub_page, taker.id};
    auto part = wish(8, 32);
    part.source.offset = 16;
    EXPECT_EQ(copy(part), GNTST_okay);
    EXPECT_TRUE(same(0x20010, 0x30000, 32));
    part.len = 33;
    EXPECT_EQ(copy(part), GNTST_general_error);
    part.len = 1;
    part.source.offset = 15;
    EXPECT_EQ(copy(part), GNTST_general_error);
    // As far as the page goes, and not round
    second(owner, 8).sub_page.length = 0xffff;
    part.len = 4080;
    part.source.offset = 16;
    EXPECT_EQ(copy(part), GNTST_okay);
    part.len = 1;
    part.source.offset = 15;
    EXPECT_EQ(copy(part), GNTST_general_error);
    second(owner, 8).sub_page.page_off = 0xffff;
    second(owner, 8).sub_page.length = 0xffff;
    part.source.offset = 4095;
    EXPECT_EQ(copy(part), GNTST_general_error);
    part.len = 2;
    EXPECT_EQ(copy(part), GNTST_bad_copy_arg);
    expect_let_go();
}

TEST_F(GrantCopies, OfAPartOpenNoWayToTheWhole) {
    ASSERT_EQ(set_version(owner, 2), 0);
    second(owner, 8).sub_page.length = 32;
    second(owner, 8).sub_page.frame = 0x20;
    second(owner, 8).hdr = {GTF_permit_access | GTF_sub_page, taker.id};
    PinnedPage part;
    ASSERT_EQ(pin(owner, {8, taker.id, false, false}, part), GNTST_okay);
    EXPECT_EQ(part.end, 32u);
    EXPECT_EQ(map(taker, owner, 8, hole, read_only_map).status, GNTST_general_error)
        << "while it is copied from";
    EXPECT_EQ(copy(wish(8, 33)), GNTST_general_error);
    EXPECT_EQ(copy(wish(8, 32)), GNTST_okay);
    EXPECT_EQ(in_use(owner, 8), read);
    second(owner, 8).hdr.flags = GTF_transitive;
    EXPECT_EQ(copy(wish(8, 32)), GNTST_general_error) << "it is something else by now";
    unpin(owner, 8, false);
    expect_let_go();
}

TEST_F(GrantCopies, MayBePassedOnByOneOther) {
    // dom0 may read the owner's page, and says so to the taker
    ASSERT_EQ(set_version(dom0, 2), 0);
    promise(owner, 8, dom0, 0x20);
    const auto pass_on = [&](GrantRef ref, DomainId from, GrantRef their_ref, u16 flags = 0) {
        second(dom0, ref) = {};
        second(dom0, ref).transitive.trans_domid = from;
        second(dom0, ref).transitive.gref = their_ref;
        second(dom0, ref).hdr = {static_cast<u16>(GTF_transitive | flags), taker.id};
    };
    pass_on(8, owner.id, 8);
    auto passed = wish();
    passed.source.domid = dom0.id;
    EXPECT_EQ(copy(passed), GNTST_okay);
    EXPECT_TRUE(same(0x20000, 0x30000, page_size));
    EXPECT_EQ(in_use(dom0, 8), 0);
    expect_let_go();
    EXPECT_EQ(map(taker, dom0, 8, hole).status, GNTST_general_error) << "copied, never mapped";

    pass_on(9, dom0.id, 8);
    pass_on(10, 99, 8);
    pass_on(11, owner.id, 9);
    pass_on(12, owner.id, 512);
    const s16 statuses[] = {GNTST_general_error, GNTST_general_error, GNTST_general_error,
                            GNTST_bad_gntref};
    for (GrantRef ref = 9; ref < 13; ++ref) {
        passed.source.u.ref = ref;
        EXPECT_EQ(copy(passed), statuses[ref - 9]) << ref;
        EXPECT_EQ(in_use(dom0, ref), 0);
        EXPECT_FALSE(grants_of(dom0).is_held(ref));
    }
    // What was passed on to dom0 it may not pass on again
    ASSERT_EQ(set_version(owner, 2), 0);
    second(owner, 20) = {};
    second(owner, 20).transitive.trans_domid = taker.id;
    second(owner, 20).hdr = {GTF_transitive, dom0.id};
    pass_on(13, owner.id, 20);
    passed.source.u.ref = 13;
    EXPECT_EQ(copy(passed), GNTST_general_error);
    EXPECT_FALSE(grants_of(owner).is_held(20));
}

TEST_F(GrantCopies, ComeInBatchesThatGoOnLater) {
    promise(owner, 8, taker, 0x20);
    for (const bool hurry : {false, true}) {
        small.hurry = hurry;
        std::array<gnttab_copy_t, 30> many;
        for (u32 i = 0; i < many.size(); ++i) {
            many[i] = wish(i == 7 ? 9 : 8, 8);
            many[i].source.offset = many[i].dest.offset = static_cast<u16>(8 * i);
        }
        small.put(taker, 0x8000, many);
        EXPECT_EQ(small.call(taker, __HYPERVISOR_grant_table_op,
                             {GNTTABOP_copy, 0x8000, many.size()}), 0);
        small.get(taker, 0x8000, many);
        for (u32 i = 0; i < many.size(); ++i)
            EXPECT_EQ(many[i].status, i == 7 ? GNTST_general_error : GNTST_okay);
        EXPECT_TRUE(same(0x20000, 0x30000, 56));
        EXPECT_FALSE(same(0x20038, 0x30038, 1));
    }
    EXPECT_EQ(small.repeats, 29u);
}

TEST_F(GrantCopies, AreAskedForByNarrowGuests) {
    promise(owner, 8, taker, 0x20);
    struct Narrow {
        u32 source;
        u16 source_domain, source_offset;
        u32 dest;
        u16 dest_domain, dest_offset, length, flags;
        s16 status;
        u16 unused;
    } two[2]{};
    static_assert(sizeof(Narrow) == 24);
    for (Narrow& one : two)
        one = {8, owner.id, 0, 0x30, DOMID_SELF, 0, 64, GNTCOPY_source_gref, 1, 0};
    two[1].length = 4097;
    small.put(taker, 0x8000, two);
    EXPECT_EQ(small.call(taker, __HYPERVISOR_grant_table_op, {GNTTABOP_copy, 0x8000, 2}, false),
              0);
    small.get(taker, 0x8000, two);
    EXPECT_EQ(two[0].status, GNTST_okay);
    EXPECT_EQ(two[1].status, GNTST_bad_copy_arg);
    EXPECT_TRUE(same(0x20000, 0x30000, 64));
}

}  // namespace
