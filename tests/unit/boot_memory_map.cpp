// The memory map: order, overlaps, odd borders, limits, and what is left free.
#include <algorithm>
#include <boot/handover.hpp>
#include <gtest/gtest.h>
#include <random>
#include <unit/mutate.hpp>
#include <vector>

namespace hv {
namespace {

constexpr u64 end_of_addresses = 1ull << 52;

using Kind = MemoryRange::Kind;
using boot::for_each_free;
using boot::order_memory_map;
using boot::Occupied;

MemoryRange line(u64 start, u64 end, Kind kind) { return {Mpa{start}, end - start, kind}; }

MachineFacts ordered(std::vector<MemoryRange> lines) {
    MachineFacts facts;
    EXPECT_TRUE(order_memory_map(lines, facts).ok());
    return facts;
}

void expect_line(const MachineFacts& facts, size_t index, u64 start, u64 end, Kind kind) {
    ASSERT_LT(index, facts.memory_ranges);
    EXPECT_EQ(facts.memory_map[index].start.value, start);
    EXPECT_EQ(facts.memory_map[index].start.value + facts.memory_map[index].bytes, end);
    EXPECT_EQ(facts.memory_map[index].kind, kind);
}

TEST(BootMemoryMap, SortsAndJoins) {
    const auto facts = ordered({line(0x3000, 0x5000, Kind::usable),
                                line(0x1000, 0x2000, Kind::acpi),
                                line(0x2000, 0x3000, Kind::usable)});
    ASSERT_EQ(facts.memory_ranges, 2);
    expect_line(facts, 0, 0x1000, 0x2000, Kind::acpi);
    expect_line(facts, 1, 0x2000, 0x5000, Kind::usable);
}

TEST(BootMemoryMap, TheLessUsableKindWins) {
    const auto facts = ordered({line(0, 0x10000, Kind::usable),
                                line(0x4000, 0x6000, Kind::reserved),
                                line(0x5000, 0x7000, Kind::acpi)});
    ASSERT_EQ(facts.memory_ranges, 4);
    expect_line(facts, 0, 0, 0x4000, Kind::usable);
    expect_line(facts, 1, 0x4000, 0x6000, Kind::reserved);
    expect_line(facts, 2, 0x6000, 0x7000, Kind::acpi);
    expect_line(facts, 3, 0x7000, 0x10000, Kind::usable);
}

TEST(BootMemoryMap, APageThatIsUsableInPartIsNotUsable) {
    const auto facts = ordered({line(0, 0x9fc00, Kind::usable),
                                line(0x9fc00, 0xa0000, Kind::reserved)});
    ASSERT_EQ(facts.memory_ranges, 2);
    expect_line(facts, 0, 0, 0x9f000, Kind::usable);
    expect_line(facts, 1, 0x9f000, 0xa0000, Kind::reserved);
}

TEST(BootMemoryMap, LinesThatWrapOrAreEmptyAreCut) {
    const auto facts = ordered({{Mpa{~0ull - 10}, ~0ull, Kind::usable},
                                {Mpa{0x1000}, 0, Kind::usable},
                                {Mpa{0x100000}, ~0ull, Kind::usable}});
    ASSERT_EQ(facts.memory_ranges, 1);
    expect_line(facts, 0, 0x100000, 1ull << 52, Kind::usable);
}

TEST(BootMemoryMap, MoreLinesThanFitAreLeftOut) {
    std::vector<MemoryRange> lines;
    for (u64 i = 0; i < 100; ++i)
        lines.push_back(line(i * 0x2000, i * 0x2000 + 0x1000, Kind::usable));
    MachineFacts facts;
    EXPECT_EQ(order_memory_map(lines, facts).error().code, XEN_ENOSPC);
    EXPECT_EQ(facts.memory_ranges, facts.memory_map.size());
    EXPECT_EQ(facts.memory_map.back().start.value, 63 * 0x2000u);
}

TEST(BootMemoryMap, AnyMapComesOutAscendingWithoutOverlaps) {
    std::mt19937_64 random{42};
    for (unsigned round = 0; round < 300; ++round) {
        std::vector<MemoryRange> lines(random() % 24);
        for (MemoryRange& some : lines)
            some = {Mpa{random() >> random() % 60}, random() >> random() % 60,
                    static_cast<Kind>(1 + random() % 5)};
        const auto facts = ordered(lines);
        u64 last = 0;
        for (const MemoryRange& range : facts.ranges()) {
            EXPECT_GE(range.start.value, last);
            EXPECT_GT(range.bytes, 0u);
            EXPECT_EQ((range.start.value | range.bytes) & page_mask, 0u);
            last = range.start.value + range.bytes;
            // Nothing is called usable that some line calls otherwise
            for (const MemoryRange& some : lines) {
                const bool speaks_against = some.kind != Kind::usable && some.bytes > 0 &&
                                            some.start.value < end_of_addresses;
                const u64 room = end_of_addresses - some.start.value;
                const u64 some_end = some.start.value + std::min(some.bytes, room);
                const bool apart =
                    some.start.value >= last || some_end <= range.start.value;
                EXPECT_TRUE(range.kind != Kind::usable || !speaks_against || apart);
            }
        }
    }
}

TEST(BootMemoryMap, FreeIsWhatNobodyOccupies) {
    const auto facts = ordered({line(0, 0x10000, Kind::usable),
                                line(0x20000, 0x30000, Kind::usable)});
    const Occupied occupied[] = {{Mpa{0x2000}, Mpa{0x4000}}, {Mpa{0}, Mpa{0x1000}},
                                 {Mpa{0x3000}, Mpa{0x5000}}, {Mpa{0x8000}, Mpa{0x8000}},
                                 {Mpa{0xf000}, Mpa{0x21000}}};
    std::vector<std::pair<u64, u64>> free;
    for_each_free(facts.ranges(), occupied,
                  [&](Mpa start, Mpa end) { free.emplace_back(start.value, end.value); });
    u64 bytes = 0;
    for (const auto& [start, end] : free)
        bytes += end - start;
    EXPECT_EQ(free.front(), (std::pair<u64, u64>{0x1000, 0x2000}));
    EXPECT_EQ(free.back(), (std::pair<u64, u64>{0x21000, 0x30000}));
    EXPECT_EQ(bytes, 0x1000u + 0xa000u + 0xf000u);
}

}  // namespace
}  // namespace hv
