// The trace as dom0 reads it: a cursor in a ring that is written meanwhile, and the words for it.
#include <boot/trace.hpp>
#include <dom0/toolstack/trace.hpp>
#include <domains/trace.hpp>
#include <events/trace.hpp>
#include <gtest/gtest.h>
#include <thread>
#include <xen/xen.h>

using namespace dom0;

namespace {

/// A ring of eight records in which so many were put, each with its number for its time.
struct Filled {
    explicit Filled(u64 records) {
        for (u64 i = 0; i < records; ++i)
            ring.put({.time = i});
    }
    alignas(TraceRecord) u8 room[sizeof(TraceRecord) * 9] = {};
    TraceRing& ring = *TraceRing::lay(room, sizeof room);
};

TEST(TraceReader, ReadsFromItsCursorOn) {
    Filled filled{5};
    TraceReading got = read_ring(filled.ring, 0, 3);
    ASSERT_EQ(got.records.size(), 3u);
    EXPECT_EQ(got.records[2].time, 2u);
    EXPECT_EQ(got.next, 3u);
    EXPECT_EQ(got.lost, 0u);
    got = read_ring(filled.ring, got.next, 100);
    EXPECT_EQ(got.records.size(), 2u);
    EXPECT_EQ(got.next, 5u);
    got = read_ring(filled.ring, got.next, 100);
    EXPECT_TRUE(got.records.empty());
    EXPECT_EQ(got.next, 5u);
}

TEST(TraceReader, CountsWhatItCameTooLateFor) {
    Filled filled{20};
    const TraceReading got = read_ring(filled.ring, 3, 100);
    EXPECT_EQ(got.records.size() + got.lost, 17u) << "every record is read or counted";
    EXPECT_EQ(got.lost, 10u) << "the oldest place may be half written by now";
    EXPECT_EQ(got.records.front().time, 13u);
    EXPECT_EQ(got.next, 20u);
}

TEST(TraceReader, TakesACursorBeyondTheEndForTheEnd) {
    Filled filled{5};
    const TraceReading got = read_ring(filled.ring, ~0ull, 100);
    EXPECT_TRUE(got.records.empty());
    EXPECT_EQ(got.next, 5u);
    EXPECT_EQ(got.lost, 0u);
}

TEST(TraceReader, NeverTakesAHalfWrittenRecord) {
    Filled filled{0};
    constexpr u64 all = 200'000;
    std::thread writer{[&] {
        for (u64 i = 0; i < all; ++i)
            filled.ring.put({.time = i, .values = {i, i, i, i}});
    }};
    u64 next = 0, read = 0, lost = 0;
    while (next < all) {
        const TraceReading got = read_ring(filled.ring, next, 4);
        u64 expected = next + got.lost;
        for (const TraceRecord& record : got.records) {
            ASSERT_EQ(record.time, expected);
            for (u64 value : record.values)
                ASSERT_EQ(value, expected);
            ++expected;
        }
        read += got.records.size();
        lost += got.lost;
        next = got.next;
    }
    writer.join();
    EXPECT_EQ(read + lost, all);
}

TEST(TraceWords, AreChaptersAndKinds) {
    EXPECT_EQ(trace_bits("exits"), u32{trace_exits});
    EXPECT_EQ(trace_bits("boot"), 1u);
    EXPECT_EQ(trace_bits("domains"),
              domain_created.bit() | trace_hypercalls | trace_exits | trace_turns);
    EXPECT_EQ(trace_bits("events"), doorbell_given.bit() | trace_bells);
    EXPECT_EQ(trace_bits("everything"), std::nullopt);
    EXPECT_EQ(trace_bits(""), std::nullopt);
}

TEST(TraceTeller, SaysWhenAndWhereAndWhat) {
    TextBuffer<256> text;
    TraceRecord record{.time = 1'234'567'890, .chapter = u8(Chapter::domains),
                       .number = domain_gone.number, .cpu = 3, .values = {7}};
    tell_record(text, record);
    EXPECT_EQ(text.view(), "     1234.567890 pCPU 3: d7 is gone. Every frame of it is zero, and "
                           "mine to give again.\n");
    text.clear();
    record.number = 200;
    tell_record(text, record);
    EXPECT_TRUE(text.view().ends_with("something that I have no word for.\n"));
}

TEST(TraceWords, NameWhatANumberStandsFor) {
    TextBuffer<200> told;
    tell_record(told, {.chapter = u8(hypercall_made.chapter), .number = hypercall_made.number,
                       .values = {2, 0, __HYPERVISOR_memory_op, 6}});
    EXPECT_NE(told.view().find("d2 v0 asks me for memory_op, with 0x6."), std::string_view::npos);
}

}  // namespace
