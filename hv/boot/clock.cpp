// Time: how ticks become nanoseconds, a date becomes seconds, and how far apart two TSCs are.
#include <boot/machine.hpp>
#include <x86/arithmetic.hpp>
#include <x86/privileged.hpp>

namespace hv {

constexpr u64 ns_per_second = 1'000'000'000;

void Clock::calibrate(u64 frequency) {
    ticks_per_second = frequency;
    // pvclock's scale: shift the ticks so that the multiplier is a fraction with its top bit set
    to_ns_shift = 0;
    u64 scaled = frequency;
    for (; scaled > 2 * ns_per_second; scaled >>= 1)
        --to_ns_shift;
    for (; scaled <= ns_per_second; scaled <<= 1)
        ++to_ns_shift;
    // frequency * 2^shift * multiplier / 2^32 = 10^9, rounded down
    constexpr u64 numerator = ns_per_second << 32;
    to_ns_multiplier = static_cast<u32>(
        to_ns_shift < 0 ? x86::multiply_divide(numerator, 1ull << -to_ns_shift, frequency)
                        : numerator / (frequency << to_ns_shift));
}

u64 Clock::ticks() const {
#if HV_HOSTED
    return hosted_ticks;
#else
    return x86::read_tsc() - static_cast<u64>(this_cpu().tsc_skew);
#endif
}

u64 Clock::to_ns(u64 ticks) const {
    const u64 shifted = to_ns_shift < 0 ? ticks >> -to_ns_shift : ticks << to_ns_shift;
    return static_cast<u64>(static_cast<unsigned __int128>(shifted) * to_ns_multiplier >> 32);
}

u64 Clock::to_ticks(u64 ns) const {
    return x86::multiply_divide(ns, ticks_per_second, ns_per_second);
}

namespace boot {

u64 unix_time(const CmosTime& time) {
    const auto number = [&](u8 byte) -> u64 {
        return time.binary ? byte : (byte >> 4) * 10u + (byte & 15u);
    };
    u64 hour = number(time.hour);
    if (!time.day_of_24)
        hour = number(time.hour & 0x7f) % 12 + (time.hour & 0x80 ? 12 : 0);
    const u64 century = number(time.century);
    const u64 year = (century >= 19 && century <= 21 ? century : 20) * 100 + number(time.year);
    const u64 month = number(time.month), day = number(time.day);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || year < 1970)
        return 0;

    // Days since 1970-01-01, with the year beginning in March so that its last day is the odd one
    const u64 y = month > 2 ? year : year - 1;
    const u64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const u64 days = y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
    return ((days * 24 + hour) * 60 + number(time.minute)) * 60 + number(time.second);
}

s64 skew_of(std::span<const SkewRound> rounds) {
    u64 shortest = ~0ull;
    s64 skew = 0;
    for (const SkewRound& round : rounds) {
        const u64 length = round.answered - round.asked;
        if (length >= shortest)
            continue;
        shortest = length;
        skew = static_cast<s64>(round.other - (round.asked + length / 2));
    }
    const u64 size = skew < 0 ? 0 - static_cast<u64>(skew) : static_cast<u64>(skew);
    return size <= shortest / 2 + 1 ? 0 : skew;
}

}  // namespace boot
}  // namespace hv
