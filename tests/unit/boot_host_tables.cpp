// The hypervisor's own tables: every page in its place, and a frame table that only RAM pays for.
#include <boot/address_space.hpp>
#include <gtest/gtest.h>
#include <vector>
#include <x86/page_format.hpp>

namespace hv {
namespace {

using boot::EarlyFrames;
using boot::HostTables;
using Kind = MemoryRange::Kind;

constexpr u64 high = 0xffff800000000000;

/// The 36 bits of an address that name a page.
Gfn gfn_at(u64 address) { return Gfn{address << 16 >> (16 + page_shift)}; }

class BootHostTables : public testing::Test {
protected:
    BootHostTables() { EXPECT_TRUE(tables.begin().ok()); }

    /// The page that a CPU finds for `address`; nothing mapped: an order of 255.
    x86::Mapping look_up(u64 address) {
        const x86::PageTable walk{x86::host_format, tables, frame_of(tables.root())};
        const auto page = walk.look_up(gfn_at(address));
        return page.ok() ? *page : x86::Mapping{.frame = {}, .order = 255};
    }
    /// The row of a frame, through the tables.
    FrameRow& row(u64 window, u64 frame) {
        const u64 address = window + frame * sizeof(FrameRow);
        const Mpa page = address_of(look_up(address).frame);
        return *memory.as<FrameRow>(page + (address & page_mask));
    }

    static constexpr u64 room = 32 * MiB;
    std::vector<u8> bytes_ = std::vector<u8>(room, 0xaa);
    PhysicalMemory memory{bytes_.data(), room};
    EarlyFrames early{memory, Mpa{page_size}, Mpa{room}};
    HostTables tables{memory, early, true};
};

TEST_F(BootHostTables, UseTheLargestPagesThatFit) {
    // From just below 1 GiB to 2 GiB, 2 MiB and a page
    const u64 start = GiB - page_size, end = 2 * GiB + 2 * MiB + page_size;
    ASSERT_TRUE(tables.map(high + start, Mpa{start}, end - start, x86::read_write).ok());
    EXPECT_EQ(look_up(high + start).order, 0);
    EXPECT_EQ(look_up(high + GiB).order, 18);
    EXPECT_EQ(look_up(high + 2 * GiB).order, 9);
    EXPECT_EQ(look_up(high + end - page_size).order, 0);
    EXPECT_EQ(look_up(high + end - page_size).frame, frame_of(Mpa{end - page_size}));
    EXPECT_EQ(look_up(high + end).order, 255);
    EXPECT_EQ(look_up(high + start - page_size).order, 255);
}

TEST_F(BootHostTables, KeepToSmallerPagesWithoutThoseOf1G) {
    HostTables small{memory, early, false};
    ASSERT_TRUE(small.begin().ok());
    ASSERT_TRUE(small.map(high, Mpa{0}, 2 * GiB, x86::read_only).ok());
    EXPECT_EQ(small.table_count(), 4u);
    const x86::PageTable walk{x86::host_format, small, frame_of(small.root())};
    EXPECT_EQ(walk.look_up(gfn_at(high))->order, 9);
    EXPECT_EQ(walk.look_up(gfn_at(high))->access, x86::read_only);
}

TEST_F(BootHostTables, SayWhenMemoryRunsOut) {
    EarlyFrames few{memory, Mpa{page_size}, Mpa{3 * page_size}};
    HostTables poor{memory, few, true};
    ASSERT_TRUE(poor.begin().ok());
    EXPECT_EQ(poor.map(high, Mpa{0}, page_size, x86::read_only).error().code, XEN_ENOMEM);
}

TEST_F(BootHostTables, TheFrameTableCostsOnlyWhereThereIsRam) {
    // 3 GiB, a hole of 1 GiB, and 2.5 MiB above it, in the first and the last half of their pages
    const MemoryRange map[] = {{Mpa{0}, 640 * KiB, Kind::usable},
                               {Mpa{MiB}, 3 * GiB - MiB, Kind::usable},
                               {Mpa{0xfec00000}, MiB, Kind::reserved},
                               {Mpa{4 * GiB + 512 * KiB}, 2 * MiB, Kind::usable}};
    const u64 before = early.taken().end - early.taken().start;
    const auto count = tables.map_frame_table(high, map);
    ASSERT_TRUE(count.ok());
    EXPECT_EQ(*count, 3 * 1024 + 3 + 1u);
    const u64 taken = early.taken().end - early.taken().start - before;
    const u64 table_pages = tables.table_count() - 1;
    EXPECT_EQ(taken, (*count + table_pages) * page_size);

    // Every row is there to be read, and says that its frame is absent
    const u64 frames = frame_of(boot::top_of_ram(map)).value;
    for (u64 frame = 0; frame < frames; frame += 64) {
        ASSERT_EQ(row(high, frame).state, FrameState::absent) << frame;
        ASSERT_EQ(row(high, frame).owner, owner_nobody) << frame;
    }
    // What is never RAM shares its rows, and cannot be written
    EXPECT_EQ(&row(high, 3 * GiB >> page_shift), &row(high, (4 * GiB - MiB) >> page_shift));
    EXPECT_FALSE(look_up(high + (3 * GiB >> page_shift) * sizeof(FrameRow)).access.write);
    EXPECT_TRUE(look_up(high + ((3 * GiB >> page_shift) - 1) * sizeof(FrameRow)).access.write);
    EXPECT_NE(&row(high, 0), &row(high, 256));
    EXPECT_TRUE(look_up(high + (frames - 1) * sizeof(FrameRow)).access.write);
}

}  // namespace
}  // namespace hv
