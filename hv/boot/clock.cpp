// Time: how ticks become nanoseconds.
#include <bit>
#include <boot/machine.hpp>
#include <x86/arithmetic.hpp>
#include <x86/privileged.hpp>

namespace hv {
namespace {

using u128 = unsigned __int128;
constexpr u64 ns_per_second = 1'000'000'000;

}  // namespace

void Clock::calibrate(u64 frequency) {
    ticks_per_second = frequency;
    // pvclock's scale: shift the ticks so that the multiplier is a fraction with its top bit set
    to_ns_shift = 0;
    u64 scaled = frequency;
    while (scaled > 2 * ns_per_second) {
        scaled >>= 1;
        --to_ns_shift;
    }
    while (scaled <= ns_per_second) {
        scaled <<= 1;
        ++to_ns_shift;
    }
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
    return static_cast<u64>(static_cast<u128>(shifted) * to_ns_multiplier >> 32);
}

u64 Clock::to_ticks(u64 ns) const {
    return x86::multiply_divide(ns, ticks_per_second, ns_per_second);
}

}  // namespace hv
