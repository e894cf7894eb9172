// dom0's virtqueue, with a device at its other end that is right, late, or a liar.
#include <dom0/drivers/virtqueue.hpp>

#include <gtest/gtest.h>
#include <random>

#define VIRTIO_RING_NO_LEGACY
#include <linux/virtio_ring.h>

using namespace dom0;

namespace {

constexpr u16 entries = 8, slots = 4;
constexpr u32 length = 64;

/// A queue in memory of the test's own, and the rings as the device sees them.
class VirtqueueTest : public testing::Test {
protected:
    void lend_all() {
        while (auto slot = queue.slot_here())
            queue.lend(*slot, &buffers[*slot], length, Virtqueue::Device::writes);
    }

    /// The device says that it has used a descriptor.
    void use(u32 id, u32 bytes) {
        used().ring[used().idx % entries] = {id, bytes};
        used().idx++;
    }

    std::vector<u16> take_all() {
        std::vector<u16> taken;
        while (auto back = queue.take_back())
            taken.push_back(back->slot);
        return taken;
    }

    const vring_desc& descriptor(u16 n) { return reinterpret_cast<vring_desc*>(&memory)[n]; }
    const vring_avail& available() {
        return *reinterpret_cast<const vring_avail*>(&descriptor(entries));
    }
    vring_used& used() { return *reinterpret_cast<vring_used*>(memory.bytes + page_size); }

    struct alignas(page_size) Memory {
        u8 bytes[2 * page_size] = {};
    } memory;
    u8 buffers[slots][length] = {};
    Virtqueue queue{&memory, entries, slots};
};

TEST_F(VirtqueueTest, TakesTheMemoryThatTheSpecificationSays) {
    EXPECT_EQ(Virtqueue::bytes(entries), 2 * page_size);
    EXPECT_EQ(Virtqueue::bytes(256), 3 * page_size);  // 4,096 + 518, and 2,054
    EXPECT_EQ(Virtqueue::bytes(1024), 8 * page_size); // 16,384 + 2,054, and 8,198
}

TEST_F(VirtqueueTest, LendsBuffersAndHasThemBackInTheDevicesOrder) {
    lend_all();
    ASSERT_EQ(available().idx, slots);
    for (u16 n = 0; n < slots; n++) {
        EXPECT_EQ(available().ring[n], n);
        EXPECT_EQ(descriptor(n).addr, reinterpret_cast<u64>(&buffers[n]));
        EXPECT_EQ(descriptor(n).len, length);
        EXPECT_EQ(descriptor(n).flags, VRING_DESC_F_WRITE);
    }
    EXPECT_FALSE(queue.take_back());
    use(2, 5);
    use(0, length);
    const auto first = queue.take_back(), second = queue.take_back();
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->slot, 2);
    EXPECT_EQ(first->length, 5u);
    EXPECT_EQ(second->slot, 0);
    EXPECT_EQ(second->length, length);
    EXPECT_FALSE(queue.take_back());
    EXPECT_EQ(queue.slot_here(), 0);
}

TEST_F(VirtqueueTest, GoesOnWhereItsCountersWrap) {
    for (u32 turn = 0; turn < 70'000; turn++) {
        lend_all();
        use(turn % slots, 1);
        ASSERT_EQ(take_all(), std::vector<u16>{u16(turn % slots)});
    }
}

TEST_F(VirtqueueTest, HasNoMoreSlotsThanTheDeviceHasEntries) {
    Virtqueue narrow{&memory, 2, slots};
    for (u16 n = 0; n < 2; n++)
        narrow.lend(*narrow.slot_here(), &buffers[n], length, Virtqueue::Device::reads);
    EXPECT_FALSE(narrow.slot_here());
}

TEST_F(VirtqueueTest, BelievesNoSlotThatIsNotLentAndNoLengthBeyondItsBuffer) {
    lend_all();
    use(slots, 1); // it has no such slot
    use(~0u, 1);
    use(1, ~0u);
    use(1, 1); // it is here already
    use(3, 1);
    EXPECT_FALSE(queue.take_back());
    EXPECT_FALSE(queue.take_back());
    const auto back = queue.take_back();
    ASSERT_TRUE(back);
    EXPECT_EQ(back->slot, 1);
    EXPECT_EQ(back->length, length);
    EXPECT_FALSE(queue.take_back());
    EXPECT_EQ(take_all(), std::vector<u16>{3});
}

TEST_F(VirtqueueTest, SurvivesAnyRingAndGivesEachSlotOnce) {
    std::mt19937 random{1};
    for (u32 turn = 0; turn < 20'000; turn++) {
        lend_all();
        for (auto& element : std::span{used().ring, entries})
            element = {u32(random() % (2 * slots)), u32(random())};
        used().idx = u16(random());
        u32 taken = 0;
        while (auto back = queue.take_back()) {
            ASSERT_LT(back->slot, slots);
            ASSERT_LE(back->length, length);
            taken++;
        }
        ASSERT_LE(taken, slots);
    }
}

}  // namespace
