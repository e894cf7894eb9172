// Clocks: the TSC's scale, the calendar, and the skew between pCPUs.
#include <boot/time.hpp>
#include <gtest/gtest.h>

namespace hv {
namespace {

TEST(BootClock, ScalesAnyRate) {
    for (u64 rate : {1'000'000ull, 50'000'000ull, 999'999'999ull, 1'000'000'000ull,
                     1'000'000'001ull,
                     2'000'000'000ull, 2'300'000'123ull, 4'999'999'937ull, 10'000'000'000ull}) {
        Clock clock;
        clock.calibrate(rate);
        // A second, and a day, to within a few parts in 10^9
        EXPECT_NEAR(static_cast<double>(clock.to_ns(rate)), 1e9, 4) << rate;
        EXPECT_NEAR(static_cast<double>(clock.to_ns(rate * 86400)), 86400e9, 86400 * 4.0) << rate;
        EXPECT_EQ(clock.to_ticks(1'000'000'000), rate);
        EXPECT_EQ(clock.to_ticks(3600'000'000'000), rate * 3600);
    }
}

TEST(BootClock, NowCountsFromBoot) {
    Clock clock;
    clock.calibrate(2'000'000'000);
    clock.boot_ticks = clock.hosted_ticks = 12345;
    EXPECT_EQ(clock.now(), 0u);
    clock.hosted_ticks += 2'000'000'000;
    EXPECT_NEAR(static_cast<double>(clock.now()), 1e9, 2);
}

TEST(BootCalendar, ReadsEveryNotation) {
    using boot::CmosTime;
    using boot::unix_time;
    EXPECT_EQ(unix_time({0, 0, 0, 1, 1, 0x70, 0x19, false, true}), 0u);
    EXPECT_EQ(unix_time({0x59, 0x59, 0x23, 0x29, 2, 0x24, 0x20, false, true}), 1709251199u);
    EXPECT_EQ(unix_time({59, 59, 23, 29, 2, 24, 20, true, true}), 1709251199u);
    EXPECT_EQ(unix_time({59, 59, 0x80 | 11, 29, 2, 24, 20, true, false}), 1709251199u);
    EXPECT_EQ(unix_time({0, 0, 0x12, 1, 1, 0, 0x20, false, false}), 946684800u);
    EXPECT_EQ(unix_time({0, 0, 0, 1, 3, 0x26, 0, false, true}), 1772323200u);
    EXPECT_EQ(unix_time({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, true, true}), 0u);
}

TEST(BootSkew, IsZeroWhereTheRoundExplainsIt) {
    using boot::SkewRound;
    EXPECT_EQ(boot::skew_of({}), 0);
    const SkewRound close[] = {{1000, 1060, 1100}, {2000, 2900, 3000}};
    EXPECT_EQ(boot::skew_of(close), 0);
    const SkewRound ahead[] = {{1000, 90000, 9000}, {10000, 15050, 10100}};
    EXPECT_EQ(boot::skew_of(ahead), 5000);
    const SkewRound behind[] = {{10000, 5050, 10100}};
    EXPECT_EQ(boot::skew_of(behind), -5000);
}

}  // namespace
}  // namespace hv
