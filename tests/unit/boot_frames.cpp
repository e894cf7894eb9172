// The frame table: every frame is given once, zeroed, aligned, and comes back whole.
#include <boot/frames.hpp>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace hv {
namespace {

class BootFrames : public testing::Test {
protected:
    static constexpr u64 frames = 2048;

    BootFrames() : bytes_(frames * page_size, 0xaa), rows_(frames) {
        table.lay_out(memory, rows_.data(), frames);
        table.add(Mfn{16}, frames - 16);
    }

    bool zeroed(Mfn first, u8 order) const {
        for (u64 i = 0; i < page_size << order; ++i)
            if (memory.at(first)[i] != 0)
                return false;
        return true;
    }

    std::vector<u8> bytes_;
    std::vector<FrameRow> rows_;

public:
    PhysicalMemory memory{bytes_.data(), frames * page_size};
    FrameTable table;
};

TEST_F(BootFrames, CountsWhatItWasGiven) {
    EXPECT_EQ(table.ram_count(), frames - 16);
    EXPECT_EQ(table.free_count(), frames - 16);
    EXPECT_FALSE(table.is_ram(Mfn{15}));
    EXPECT_TRUE(table.is_ram(Mfn{16}));
    EXPECT_FALSE(table.is_ram(Mfn{frames}));
}

TEST_F(BootFrames, ABlockIsAlignedZeroedAndOwnedThroughout) {
    const auto block = table.take(7, 5);
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(block->value % 32, 0u);
    EXPECT_TRUE(zeroed(*block, 5));
    for (u64 i = 0; i < 32; ++i) {
        EXPECT_EQ(table.row(*block + i).owner, 7);
        EXPECT_EQ(table.row(*block + i).state, FrameState::used);
    }
    EXPECT_EQ(table.free_count(), frames - 16 - 32);
}

TEST_F(BootFrames, WhatComesBackIsScrubbed) {
    const Mfn frame = *table.take(7);
    std::memset(memory.at(frame), 0x5a, page_size);
    table.give_back(frame);
    EXPECT_TRUE(zeroed(frame, 0));
    EXPECT_EQ(table.row(frame).owner, owner_nobody);
}

TEST_F(BootFrames, PartsOfABlockMayComeBackSingly) {
    const Mfn block = *table.take(7, 4);
    for (u64 i = 0; i < 16; ++i)
        table.give_back(block + i);
    EXPECT_EQ(table.free_count(), frames - 16);
    EXPECT_TRUE(table.take(7, 10).ok());
}

TEST_F(BootFrames, SaysSoWhenNothingIsLeft) {
    EXPECT_EQ(table.take(7, 11).error().code, XEN_ENOMEM);
    while (table.take(7).ok()) {
    }
    EXPECT_EQ(table.free_count(), 0u);
}

TEST_F(BootFrames, ARangeIsTakenWholeOrNotAtAll) {
    ASSERT_TRUE(table.take_range(3, Mfn{100}, 300).ok());
    EXPECT_EQ(table.free_count(), frames - 16 - 300);
    EXPECT_EQ(table.row(Mfn{100}).owner, 3);
    EXPECT_EQ(table.row(Mfn{399}).owner, 3);
    EXPECT_EQ(table.row(Mfn{99}).owner, owner_nobody);
    EXPECT_TRUE(zeroed(Mfn{100}, 0));
    EXPECT_EQ(table.take_range(4, Mfn{50}, 51).error().code, XEN_EBUSY);
    EXPECT_EQ(table.take_range(4, Mfn{0}, 20).error().code, XEN_EBUSY);
    EXPECT_EQ(table.take_range(4, Mfn{frames - 1}, 2).error().code, XEN_EBUSY);
    EXPECT_EQ(table.take_range(4, Mfn{~0ull}, 2).error().code, XEN_EBUSY);
    EXPECT_EQ(table.free_count(), frames - 16 - 300);
}

TEST_F(BootFrames, ManyTakesAndReturnsLoseNothing) {
    std::mt19937 random{7};
    std::vector<std::pair<Mfn, u8>> held;
    std::vector<bool> taken(frames);
    for (unsigned step = 0; step < 20000; ++step) {
        if (random() % 2 == 0) {
            const u8 order = random() % 6;
            const auto block = table.take(9, order);
            if (!block)
                continue;
            ASSERT_TRUE(zeroed(*block, order));
            for (u64 i = 0; i < 1u << order; ++i) {
                ASSERT_FALSE(taken[block->value + i]) << "frame given twice";
                taken[block->value + i] = true;
            }
            memory.at(*block)[17] = 1;
            held.emplace_back(*block, order);
        } else if (!held.empty()) {
            std::swap(held[random() % held.size()], held.back());
            const auto [block, order] = held.back();
            held.pop_back();
            for (u64 i = 0; i < 1u << order; ++i)
                taken[block.value + i] = false;
            table.give_back(block, order);
        }
    }
    for (const auto& [block, order] : held)
        table.give_back(block, order);
    EXPECT_EQ(table.free_count(), frames - 16);
    // All joined again: the largest block there can be is there
    EXPECT_TRUE(table.take(9, 10).ok());
}

}  // namespace
}  // namespace hv
