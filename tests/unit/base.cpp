// The ground floor: printing, sentences, results, parts, and the order of locks.
#include <base/chapter.hpp>
#include <base/hosted/panic.hpp>
#include <base/result.hpp>
#include <base/spinlock.hpp>
#include <base/trace.hpp>
#include <gtest/gtest.h>
#include <thread>

using namespace hv;

namespace {

template <class... Arguments>
std::string printed(std::string_view format, const Arguments&... arguments) {
    TextBuffer<256> buffer;
    print(buffer, format, arguments...);
    return std::string{buffer.view()};
}

TEST(Print, WritesEachKindOfArgument) {
    EXPECT_EQ(printed("plain"), "plain");
    EXPECT_EQ(printed("{} and {}", 1, "two"), "1 and two");
    EXPECT_EQ(printed("{} {} {}", -5, ~0ull, INT64_MIN),
              "-5 18446744073709551615 -9223372036854775808");
    EXPECT_EQ(printed("{} {}", true, false), "yes no");
    EXPECT_EQ(printed("{}", static_cast<const char*>(nullptr)), "(none)");
    EXPECT_EQ(printed("{:x}", Gfn{0x44c0a}), "0x44c0a");
}

TEST(Print, PadsAndWritesHexadecimal) {
    EXPECT_EQ(printed("{:x} {:x}", 0, 255u), "0x0 0xff");
    EXPECT_EQ(printed("{:016x}", 0xabcu), "0000000000000abc");
    EXPECT_EQ(printed("[{:6}] [{:6}]", 42, "dom0"), "[    42] [dom0  ]");
    EXPECT_EQ(printed("[{:2}]", 12345), "[12345]");
}

TEST(Print, SurvivesFormatsThatDoNotFit) {
    EXPECT_EQ(printed("{} {}", 1), "1 {?}");
    EXPECT_EQ(printed("{", 1), "{");
    EXPECT_EQ(printed("100%}", 1), "100%}");
    EXPECT_EQ(printed("no braces", 1), "no braces");
}

TEST(TextBuffer, KeepsTheBeginning) {
    TextBuffer<4> buffer;
    buffer.write("abc");
    buffer.write("def");
    EXPECT_EQ(buffer.view(), "abcd");
    buffer.clear();
    EXPECT_EQ(buffer.view(), "");
}

TEST(Trace, FillsItsSentenceByName) {
    const TraceEvent event{.chapter = static_cast<Chapter>(0),
                           .number = 1,
                           .name = "frame_given",
                           .fields = {"domain", "frame"},
                           .sentence = "I gave frame {frame:x} to d{domain}; {nothing}.",
                           .section = {}};
    TextBuffer<128> buffer;
    tell_sentence(buffer, event, std::array<u64, 4>{7, 0x3a9f1, 0, 0});
    EXPECT_EQ(buffer.view(), "I gave frame 0x3a9f1 to d7; {?}.\n");
}

Result<int> half(int number) {
    if (number % 2 != 0)
        return Error{XEN_EINVAL};
    return number / 2;
}
Result<> quarter(int number, int& answer) {
    const Result<int> once = half(number);
    TRY(once);
    TRY(half(*once));
    answer = *half(*once);
    return {};
}

TEST(Result, IsAValueOrAnError) {
    EXPECT_EQ(*half(4), 2);
    EXPECT_FALSE(half(3));
    EXPECT_EQ(half(3).error().code, XEN_EINVAL);
    EXPECT_EQ(half(3).value_or(-1), -1);
    EXPECT_EQ(half(4).value_or(-1), 2);
}

TEST(Result, LeavesAFunctionWithTheFirstError) {
    int answer = 0;
    EXPECT_TRUE(quarter(12, answer).ok());
    EXPECT_EQ(answer, 3);
    EXPECT_EQ(quarter(6, answer).error().code, XEN_EINVAL);
    EXPECT_EQ(answer, 3);
}

struct FirstPart {
    static constexpr Chapter chapter = static_cast<Chapter>(0);
    int value = 1;
};
struct LastPart {
    static constexpr Chapter chapter = static_cast<Chapter>(chapter_count - 1);
    int value = 2;
};

TEST(Parts, FindWhatWasFurnished) {
    Parts parts;
    FirstPart first;
    LastPart last;
    EXPECT_EQ(parts.find<FirstPart>(), nullptr);
    parts.furnish(&first);
    parts.furnish(&last);
    EXPECT_EQ(parts.get<FirstPart>().value, 1);
    EXPECT_EQ(&parts.get<LastPart>(), &last);
    parts.furnish<FirstPart>(nullptr);
    EXPECT_EQ(parts.find<FirstPart>(), nullptr);
    EXPECT_EQ(parts.find<LastPart>(), &last);
}

TEST(Fits, NeverWraps) {
    EXPECT_TRUE(fits(0, 0, 0));
    EXPECT_TRUE(fits(4, 6, 10));
    EXPECT_FALSE(fits(4, 7, 10));
    EXPECT_FALSE(fits(11, 0, 10));
    EXPECT_FALSE(fits(4, ~0ull, 10));
    EXPECT_FALSE(fits(~0ull, 2, 10));
}

TEST(Panic, IsThrownToWhoeverDrives) {
    try {
        panic("{} is broken", "it");
        FAIL();
    } catch (const Panic& end) {
        EXPECT_STREQ(end.what(), "it is broken");
    }
}

TEST(Spinlock, KeepsThreadsApart) {
    Spinlock lock{LockRank::domain};
    int count = 0;
    std::array<std::thread, 2> threads;
    for (std::thread& thread : threads)
        thread = std::thread{[&] {
            for (int n = 0; n < 10'000; ++n) {
                const Guard guard{lock};
                ++count;
            }
        }};
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(count, 20'000);
}

TEST(Spinlock, IsTakenInTheWrittenOrder) {
    Spinlock outer{LockRank::domain}, inner{LockRank::console};
    const Guard first{outer};
    const Guard second{inner};
    EXPECT_EQ(std::popcount(this_ledger().held), 2);
}

TEST(Spinlock, PanicsOutOfOrder) {
    Spinlock outer{LockRank::domain}, inner{LockRank::console}, twin{LockRank::console};
    const u32 held = this_ledger().held;
    inner.lock();
    EXPECT_THROW(outer.lock(), Panic);
    EXPECT_THROW(twin.lock(), Panic) << "two of one rank";
    EXPECT_THROW(outer.unlock(), Panic) << "not held";
    inner.unlock();
    EXPECT_EQ(this_ledger().held, held);
    outer.lock();
    outer.unlock();
}

}  // namespace
