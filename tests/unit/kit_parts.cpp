// The kit's parts that know no hardware: console rings against a hostile other side, and the heap.
#include <dom0/consoles/console.hpp>
#include <kit/console_ring.hpp>
#include <kit/heap.hpp>
#include <kit/traps.hpp>

#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace kit;

namespace {

TEST(ConsoleRing, CarriesTextBothWaysAcrossTheWrap) {
    xencons_interface ring = {};
    ring.out_prod = ring.out_cons = 0xfffffff0;
    std::string sent, heard;
    for (int i = 0; i < 100; i++) {
        std::string text(37, char('a' + i % 26));
        size_t taken = guest_put(ring, text);
        sent += text.substr(0, taken);
        char bytes[64];
        heard.append(bytes, host_get(ring, bytes));
    }
    char rest[2048];
    heard.append(rest, host_get(ring, rest));
    EXPECT_EQ(heard, sent);
    EXPECT_EQ(host_put(ring, "hi"), 2u);
    EXPECT_EQ(guest_get(ring), 'h');
    EXPECT_EQ(guest_get(ring), 'i');
    EXPECT_EQ(guest_get(ring), -1);
}

TEST(ConsoleRing, FullRingTakesNoMore) {
    xencons_interface ring = {};
    EXPECT_EQ(guest_put(ring, std::string(5000, 'x')), sizeof ring.out);
    EXPECT_EQ(guest_put(ring, "y"), 0u);
}

TEST(ConsoleRing, HostileIndicesNeverLeadOutside) {
    std::mt19937 random{1};
    for (int i = 0; i < 10000; i++) {
        xencons_interface ring = {};
        ring.in_cons = u32(random());
        ring.in_prod = u32(random());
        ring.out_cons = u32(random());
        ring.out_prod = u32(random());
        char bytes[4096];
        EXPECT_LE(host_get(ring, bytes), sizeof ring.out);
        EXPECT_LE(host_put(ring, std::string(3000, 'z')), sizeof ring.in);
    }
}

TEST(Console, KeepsTheLastWordsOnly) {
    dom0::Console console;
    xencons_interface ring = {};
    std::string said;
    for (int i = 0; i < 1000; i++) {
        guest_put(ring, "line " + std::to_string(i) + " of a guest that talks a lot\n");
        console.pump(ring, said);
    }
    EXPECT_LE(console.last_words().size(), 21u * 1024);
    EXPECT_GE(console.last_words().size(), 16u * 1024);
    EXPECT_TRUE(console.last_words().ends_with("line 999 of a guest that talks a lot\n"));
    for (int i = 0; i < 5000; i++)
        console.type('k');
    EXPECT_TRUE(console.pump(ring, said));
    EXPECT_EQ(ring.in_prod, 1024u);
}

TEST(Heap, RandomLifeLeavesNothingBehind) {
    alignas(16) static char arena[1 << 20];
    Heap heap;
    heap.adopt(arena, sizeof arena);
    size_t whole = heap.free_bytes();
    std::mt19937 random{2};
    std::vector<std::pair<char*, size_t>> blocks;
    for (int step = 0; step < 20000; step++) {
        if (random() % 2 == 0 || blocks.empty()) {
            size_t size = random() % 3000, alignment = size_t{16} << random() % 9;
            auto* block = static_cast<char*>(heap.take(size, alignment));
            if (block == nullptr) continue;
            ASSERT_EQ(reinterpret_cast<uintptr_t>(block) % alignment, 0u);
            ASSERT_GE(block, arena);
            ASSERT_LE(block + size, arena + sizeof arena);
            memset(block, int(size & 0xff), size);
            blocks.emplace_back(block, size);
        } else {
            size_t which = random() % blocks.size();
            auto [block, size] = blocks[which];
            for (size_t i = 0; i < size; i++)
                ASSERT_EQ(u8(block[i]), u8(size & 0xff));
            heap.give(block);
            blocks.erase(blocks.begin() + long(which));
        }
    }
    for (auto& [block, size] : blocks)
        heap.give(block);
    EXPECT_EQ(heap.free_bytes(), whole);
    EXPECT_NE(heap.take(whole - 64), nullptr);
}

TEST(Heap, LargeBlockFitsAgainAmongSmallOnesThatStay) {
    static std::vector<char> memory(80 << 20);
    auto start = align_up(reinterpret_cast<u64>(memory.data()), 16);
    Heap heap;
    heap.adopt(reinterpret_cast<void*>(start), 79 << 20);
    for (int round = 0; round < 10; round++) {
        void* kernel = heap.take(53 << 20);
        ASSERT_NE(kernel, nullptr) << "round " << round;
        for (int i = 0; i < 100; i++)
            ASSERT_NE(heap.take(200), nullptr);
        heap.give(kernel);
    }
}

TEST(Sleep, EndsBeforeItsHaltWhenTheInterruptCameFirst) {
    const u8 code[] = {0xf4, 0xfa};  // hlt; cli
    const u64 at = reinterpret_cast<u64>(code);
    TrapFrame before = {}, after = {};
    before.rip = at;
    after.rip = at + 1;
    end_sleep(before);
    end_sleep(after);
    EXPECT_EQ(before.rip, at + 1);
    EXPECT_EQ(after.rip, at + 1);
}

}  // namespace
