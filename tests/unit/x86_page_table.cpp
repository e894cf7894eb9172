// The page-table walk over recorded memory: after each replayed write a CPU's walk is made.
#include <random>
#include <unit/recorded_tables.hpp>
#include <x86/bits.hpp>
#include <x86/page_format.hpp>
#if HV_THROUGH >= HV_DOMAINS
#include <x86/page_format.hpp>
#endif

using namespace hv;
using namespace hv::x86;
using namespace hv::test;

namespace {

constexpr Mapping page(u64 frame, u8 order = 0, Access access = full_access,
                       MemoryType type = MemoryType::write_back) {
    return {Mfn{frame}, order, access, type};
}

/// The model: all changes in their order. The newest that covers a frame decides.
class Model {
public:
    void set(u64 first, u8 order, std::optional<Mapping> mapping) {
        changes_.push_back({first, 1ull << order, mapping});
    }
    Translation at(u64 gfn) const {
        for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
            if (gfn - change->first >= change->count)
                continue;
            Translation found = change->mapping;
            if (found) {
                found->frame = found->frame + (gfn - change->first);
                found->order = 0;
            }
            return found;
        }
        return std::nullopt;
    }
    /// The frames at which anything may change: where a change begins, or has just ended.
    std::set<u64> edges() const {
        std::set<u64> found;
        for (const Change& change : changes_) {
            found.insert(change.first);
            found.insert(change.first + change.count);
        }
        return found;
    }

private:
    struct Change {
        u64 first, count;
        std::optional<Mapping> mapping;
    };
    std::vector<Change> changes_;
};

/// True when a CPU that still remembers `before` would do wrong.
bool is_stale(const Translation& before, const Translation& after) {
    if (!before)
        return false;
    return !after || before->frame != after->frame || before->type != after->type ||
           before->access.exceeds(after->access);
}

class PageTableTest : public testing::Test {
protected:
    explicit PageTableTest(const EntryFormat& format = host_format) : format_{format} {}

    /// Makes one change, and checks all that is promised of it. With fewer `tables` to take than
    /// it needs it must fail and change nothing.
    Result<Flush> change(u64 gfn, u8 order, std::optional<Mapping> mapping,
                         size_t tables = ~size_t{0}) {
        const Words before = memory_.words;
        const Model old = model_;
        const size_t given_back = memory_.given_back.size();
        memory_.writes.clear();
        memory_.left = tables;

        const Result<Flush> result = mapping ? table_.map(Gfn{gfn}, *mapping) : unmap(gfn, order);
        if (result.ok() && (mapping || result->needed))
            model_.set(gfn, order, mapping);

        replay(before, old, gfn, order);
        if (result.ok()) {
            bool stale = memory_.given_back.size() != given_back;
            for (u64 at : probes(gfn, order))
                stale = stale || is_stale(old.at(at), model_.at(at));
            EXPECT_EQ(result->needed, stale) << "gfn " << gfn << " order " << +order;
        }
        return result;
    }

    /// Unmaps what one page maps; what is a hole, or several pages, asks for no flush and stays.
    Result<Flush> unmap(u64 gfn, u8 order) {
        const Result<Mfn> gone = table_.unmap(Gfn{gfn}, order, any);
        if (!gone.ok() && gone.error().code != XEN_ENOENT)
            return gone.error();
        EXPECT_TRUE(!gone.ok() || *gone == model_.at(gfn)->frame);
        return Flush{.needed = gone.ok()};
    }

    static bool any(const Mapping&) { return true; }

    /// After each single write, every frame translates as before the change or as after it.
    void replay(Words words, const Model& old, u64 gfn, u8 order) {
        std::set<u64> tables = memory_.live;
        tables.insert(memory_.given_back.begin(), memory_.given_back.end());
        const auto at = probes(gfn, order);
        size_t count = 0;
        for (const auto& write : memory_.writes) {
            words[write.address] = write.value;
            ++count;
            // While a new table is being filled, nothing that a CPU sees changes: look at the seams
            const bool seam = count < 3 || count + 3 > memory_.writes.size() || count % 512 < 3;
            for (u64 probe : at) {
                if (!seam && probe != gfn)
                    continue;
                const auto seen = translate(words, tables, format_, root_, Gfn{probe});
                ASSERT_TRUE(seen == old.at(probe) || seen == model_.at(probe))
                    << "gfn " << probe << " after write " << count << " of "
                    << memory_.writes.size();
            }
        }
        for (u64 probe : at)
            ASSERT_EQ(translate(words, memory_.live, format_, root_, Gfn{probe}),
                      model_.at(probe));
    }

    /// Frames worth looking at around a change.
    std::set<u64> probes(u64 gfn, u8 order) const {
        const u64 last = gfn + (1ull << order) - 1;
        std::set<u64> found{gfn, last, gfn + (last - gfn) / 2};
        std::set<u64> edges = model_.edges();
        for (u64 size : {1ull, 512ull, 512ull * 512})
            edges.insert({align_down(gfn, size), align_down(gfn, size) + size});
        for (u64 edge : edges) {
            if (edge < gfn_limit.value)
                found.insert(edge);
            if (edge > 0)
                found.insert(edge - 1);
        }
        return found;
    }

    /// How many entries a look at `gfn` reads.
    u64 depth(u64 gfn) {
        const u64 before = memory_.reads;
        (void)PageTable{format_, memory_, root_}.look_up(Gfn{gfn});
        return memory_.reads - before;
    }

    const EntryFormat& format_;
    RecordedTables memory_;
    Mfn root_{*memory_.take_table()};
    LastTable last_;
    PageTable<RecordedTables> table_{format_, memory_, root_, &last_};
    Model model_;
};

TEST_F(PageTableTest, FindsNothingInAnEmptyTable) {
    EXPECT_EQ(table_.look_up(Gfn{0}).error().code, XEN_ENOENT);
    EXPECT_EQ(table_.look_up(gfn_limit).error().code, XEN_ENOENT);
    EXPECT_EQ(depth(5), 1u);
    EXPECT_FALSE(change(5, 0, std::nullopt)->needed);
    EXPECT_TRUE(memory_.writes.empty()) << "to unmap nothing takes no write";
}

TEST_F(PageTableTest, MapsEachSizeOfPage) {
    ASSERT_TRUE(change(3, 0, page(0x77)).ok());
    ASSERT_TRUE(change(512, 9, page(0x200, 9)).ok());
    ASSERT_TRUE(change(1 << 18, 18, page(1 << 18, 18, read_write, MemoryType::uncached)).ok());
    EXPECT_EQ(*table_.look_up(Gfn{3}), page(0x77));
    EXPECT_EQ(*table_.look_up(Gfn{700}), page(0x200, 9));
    EXPECT_EQ(frame_of_gfn(*table_.look_up(Gfn{700}), Gfn{700}), Mfn{0x200 + 700 - 512});
    EXPECT_EQ(depth(3), 4u);
    EXPECT_EQ(depth(700), 3u);
    EXPECT_EQ(depth(1 << 18), 2u);
    EXPECT_EQ(memory_.live.size(), 4u) << "root, one of level 2, one of level 1, one of level 0";
}

TEST_F(PageTableTest, RefusesWhatNoEntryCanSay) {
    EXPECT_EQ(change(1, 9, page(0x200, 9)).error().code, XEN_EINVAL) << "gfn not aligned";
    EXPECT_EQ(change(512, 9, page(0x201, 9)).error().code, XEN_EINVAL) << "frame not aligned";
    EXPECT_EQ(change(512, 3, page(0x200, 3)).error().code, XEN_EINVAL) << "no such order";
    EXPECT_EQ(change(0, 27, page(0, 27)).error().code, XEN_EINVAL) << "no page is 512 GiB";
    EXPECT_EQ(change(gfn_limit.value, 0, page(1)).error().code, XEN_EINVAL) << "beyond the tables";
    EXPECT_EQ(change(0, 0, page(1, 0, Access{})).error().code, XEN_EINVAL) << "unreadable";
    EXPECT_EQ(change(1, 9, std::nullopt).error().code, XEN_EINVAL);
    EXPECT_TRUE(memory_.writes.empty());
}

TEST_F(PageTableTest, MapsTheLastFrameOfAll) {
    ASSERT_TRUE(change(gfn_limit.value - 1, 0, page(0x99)).ok());
    EXPECT_EQ(*table_.look_up(gfn_limit - 1), page(0x99));
    u64 pages = 0;
    table_.for_each([&](Gfn first, const Mapping&) {
        EXPECT_EQ(first, gfn_limit - 1);
        return ++pages > 0;
    });
    EXPECT_EQ(pages, 1u);
}

TEST_F(PageTableTest, IsShortWithinAnExistingTable) {
    ASSERT_TRUE(change(8, 0, page(0x50)).ok());
    memory_.reads = 0;
    memory_.writes.clear();
    ASSERT_TRUE(table_.map(Gfn{9}, page(0x51)).ok());
    EXPECT_EQ(memory_.reads, 4u);
    EXPECT_EQ(memory_.writes.size(), 1u);
    ASSERT_TRUE(table_.map(Gfn{10}, page(0x52)).ok());
    EXPECT_EQ(memory_.reads, 4u + 1u) << "it begins where the last walk ended";
}

TEST_F(PageTableTest, RemembersNoTableThatIsGone) {
    ASSERT_TRUE(change(8, 0, page(0x50)).ok());
    ASSERT_TRUE(change(8, 0, std::nullopt).ok());
    EXPECT_TRUE(last_.is_for(Gfn{511}));
    EXPECT_FALSE(last_.is_for(Gfn{512}));
    // A larger page comes in its place, once a look into it found it empty
    ASSERT_TRUE(table_.map(Gfn{0}, page(0x200, 9), true).ok());
    model_.set(0, 9, page(0x200, 9));
    EXPECT_EQ(memory_.given_back.size(), 1u);
    EXPECT_FALSE(memory_.given_back.contains(last_.table.value));
    EXPECT_EQ(frame_of_gfn(*table_.look_up(Gfn{8}), Gfn{8}), Mfn{0x208});
    // And one that is beside it serves for larger pages alone
    ASSERT_TRUE(change(512, 9, page(0x400, 9)).ok());
    ASSERT_TRUE(change(1024, 0, page(0x77)).ok());
    ASSERT_TRUE(change(1024, 9, std::nullopt).ok());
    ASSERT_TRUE(change(1536, 9, page(0x600, 9)).ok());
    EXPECT_EQ(*table_.look_up(Gfn{1024}), page(0x77));
}

TEST_F(PageTableTest, SplitsALargePageWhenAPieceChanges) {
    ASSERT_TRUE(change(512 * 512, 18, page(0x40000, 18)).ok());
    EXPECT_TRUE(change(512 * 512 + 700, 0, std::nullopt)->needed);
    EXPECT_FALSE(table_.look_up(Gfn{512 * 512 + 700}).ok());
    EXPECT_EQ(*table_.look_up(Gfn{512 * 512 + 699}), page(0x40000 + 699));
    EXPECT_EQ(*table_.look_up(Gfn{512 * 512 + 1024}), page(0x40000 + 1024, 9));
}

TEST_F(PageTableTest, PutsALargePageInPlaceOfSmallOnes) {
    for (u64 gfn = 0; gfn < 1024; gfn += 100)
        ASSERT_TRUE(change(gfn, 0, page(0x3000 + gfn)).ok());
    const size_t tables = memory_.live.size();
    EXPECT_TRUE(change(0, 9, page(0x200, 9))->needed);
    EXPECT_EQ(memory_.live.size(), tables - 1);
    EXPECT_TRUE(change(0, 18, page(0x40000, 18))->needed);
    EXPECT_EQ(memory_.live.size(), 2u) << "the root and one of level 2 stay";
}

TEST_F(PageTableTest, AsksForAFlushOnlyWhenSomethingIsLost) {
    EXPECT_FALSE(change(1, 0, page(0x10, 0, read_only))->needed) << "nothing was there";
    EXPECT_FALSE(change(1, 0, page(0x10, 0, full_access))->needed) << "more is allowed";
    EXPECT_FALSE(change(1, 0, page(0x10, 0, full_access))->needed) << "nothing changes";
    EXPECT_TRUE(change(1, 0, page(0x10, 0, read_write))->needed) << "less is allowed";
    EXPECT_TRUE(change(1, 0, page(0x11, 0, read_write))->needed) << "another frame";
    EXPECT_TRUE(change(1, 0, page(0x11, 0, read_write, MemoryType::uncached))->needed);
    EXPECT_TRUE(change(1, 0, std::nullopt)->needed);
    EXPECT_FALSE(change(1, 0, std::nullopt)->needed) << "nothing was there";
    EXPECT_TRUE(change(0, 9, page(0x200, 9))->needed) << "CPUs may be in the empty table";
}

TEST_F(PageTableTest, MapsOnlyWhatIsFreeAndUnmapsOnlyWhatIsMeantOnRequest) {
    ASSERT_TRUE(table_.map(Gfn{3}, page(0x77), true).ok());
    EXPECT_EQ(table_.map(Gfn{3}, page(0x78), true).error().code, XEN_EEXIST);
    EXPECT_EQ(table_.map(Gfn{0}, page(0x200, 9), true).error().code, XEN_EEXIST) << "one is within";
    const auto no = [](const Mapping& found) { return found.frame != Mfn{0x77}; };
    EXPECT_EQ(table_.unmap(Gfn{3}, 0, no).error().code, XEN_EINVAL);
    EXPECT_EQ(table_.unmap(Gfn{0}, 9, any).error().code, XEN_ENOENT) << "no page is that large";
    EXPECT_EQ(table_.unmap(Gfn{4}, 0, any).error().code, XEN_ENOENT) << "a hole";
    EXPECT_EQ(*table_.unmap(Gfn{3}, 0, any), Mfn{0x77});
    EXPECT_FALSE(table_.look_up(Gfn{3}).ok());
    EXPECT_TRUE(table_.map(Gfn{0}, page(0x200, 9), true)->needed) << "an empty table is in no way";
}

TEST_F(PageTableTest, ChangesNothingWhenTablesRunOut) {
    EXPECT_EQ(change(9, 0, page(0x10), 2).error().code, XEN_ENOMEM);
    ASSERT_TRUE(change(512 * 512, 18, page(0x40000, 18)).ok());
    for (size_t tables = 0; tables < 2; ++tables) {
        EXPECT_EQ(change(512 * 512 + 5, 0, std::nullopt, tables).error().code, XEN_ENOMEM);
        EXPECT_EQ(*model_.at(512 * 512 + 5), page(0x40005));
    }
    EXPECT_TRUE(change(512 * 512 + 5, 0, std::nullopt).ok());
}

TEST_F(PageTableTest, GivesEveryTableBack) {
    for (u64 gfn = 0; gfn < 1ull << 36; gfn = gfn * 7 + 1)
        ASSERT_TRUE(table_.map(Gfn{gfn}, page(gfn)).ok());
    table_.drop();
    EXPECT_TRUE(memory_.live.empty());
}

/// A long random life: four gibibytes' worth of frames, all sizes, and tables that run out. Each
/// format leads one; the seed is the second parameter.
using Life = std::tuple<const EntryFormat*, unsigned>;
class PageTableLife : public PageTableTest, public testing::WithParamInterface<Life> {
protected:
    PageTableLife() : PageTableTest{*std::get<0>(GetParam())} {}
};

TEST_P(PageTableLife, AgreesWithTheModel) {
    std::mt19937 random{std::get<1>(GetParam())};
    const Access rights[] = {read_only, read_write, full_access};
    for (int step = 0; step < 80 && !HasFatalFailure(); ++step) {
        const u8 order = static_cast<u8>(9 * (random() % 3));
        const u64 room = order == 18 ? 3 : order == 9 ? 6 : 1100;
        const bool higher = order < 18 && random() % 4 == 0;
        const u64 gfn = (random() % room << order) + (higher ? 1 << 18 : 0);
        std::optional<Mapping> mapping;
        if (random() % 3 != 0)
            mapping = page(align_down(random() % (1 << 21), 1ull << order), order,
                           rights[random() % 3],
                           random() % 8 == 0 ? MemoryType::uncached : MemoryType::write_back);
        (void)change(gfn, order, mapping, random() % 10 == 0 ? random() % 3 : ~size_t{0});
    }

    // What for_each tells is all there is
    u64 next = 0;
    table_.for_each([&](Gfn first, const Mapping& whole) {
        for (u64 edge : model_.edges()) {
            const bool left_out = edge >= next && edge < first.value && model_.at(edge);
            EXPECT_FALSE(left_out) << "gfn " << edge;
        }
        Mapping start = whole;
        start.order = 0;
        EXPECT_EQ(model_.at(first.value), start);
        next = first.value + (1ull << whole.order);
        return true;
    });
    table_.drop();
    EXPECT_TRUE(memory_.live.empty());
}

INSTANTIATE_TEST_SUITE_P(Host, PageTableLife,
                         testing::Combine(testing::Values(&host_format), testing::Range(0u, 8u)));
#if HV_THROUGH >= HV_DOMAINS
INSTANTIATE_TEST_SUITE_P(Ept, PageTableLife,
                         testing::Combine(testing::Values(&x86::ept_format),
                                          testing::Range(0u, 4u)));
INSTANTIATE_TEST_SUITE_P(Npt, PageTableLife,
                         testing::Combine(testing::Values(&x86::npt_format),
                                          testing::Range(0u, 4u)));
#endif

TEST(HostFormat, SpellsWhatTheManualSays) {
    EXPECT_EQ(host_format.leaf(page(0x123, 0, read_write)), 0x8000'0000'0012'3063u);
    EXPECT_EQ(host_format.leaf(page(0x200, 9, full_access)), 0x2000e3u);
    EXPECT_EQ(host_format.leaf(page(0xfee00, 0, read_write, MemoryType::uncached)),
              0x8000'0000'fee0'007bu);
    EXPECT_EQ(host_format.table(Mfn{0x55}), 0x55023u);
    for (u8 order : {0, 9, 18})
        for (Access access : {read_only, read_write, full_access, Access{true, false, true}})
            for (MemoryType type : {MemoryType::write_back, MemoryType::uncached}) {
                const Mapping mapping = page(0xabc0'0000, order, access, type);
                const u64 entry = host_format.leaf(mapping);
                EXPECT_TRUE(host_format.present(entry));
                EXPECT_TRUE(host_format.is_leaf(entry, level_of_order(order)));
                EXPECT_EQ(host_format.read(entry, level_of_order(order)), mapping);
            }
}

}  // namespace
