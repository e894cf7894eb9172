// How far two pCPUs' TSCs are apart, by passing a word to and fro.
#pragma once

#include <atomic>
#include <base/types.hpp>
#include <span>

namespace hv::boot {

/// Where the boot pCPU and the one that is being woken pass their word.
struct SkewMeeting {
    std::atomic<u32> turn{0};    ///< odd: the boot pCPU waits for an answer
    std::atomic<u64> answer{0};  ///< the other's TSC
};

inline constexpr unsigned skew_rounds = 8;

/// One question and its answer: when it was asked and answered by the boot pCPU's TSC, and what the
/// other's said in between.
struct SkewRound {
    u64 asked = 0, other = 0, answered = 0;
};

/// The skew that the fastest of the rounds shows, in ticks: the other's TSC less the boot pCPU's. 0
/// when it is no more than the round's own length can explain.
constexpr s64 skew_of(std::span<const SkewRound> rounds) {
    const SkewRound* best = nullptr;
    for (const SkewRound& round : rounds)
        if (!best || round.answered - round.asked < best->answered - best->asked)
            best = &round;
    if (!best)
        return 0;
    const u64 half = (best->answered - best->asked) / 2;
    const auto skew = static_cast<s64>(best->other - (best->asked + half));
    const u64 size = skew < 0 ? 0 - static_cast<u64>(skew) : static_cast<u64>(skew);
    return size <= half + 1 ? 0 : skew;
}

/// The boot pCPU's half, and the other's: each is called once for each pCPU that wakes.
s64 measure_skew(SkewMeeting& meeting);
void answer_skew(SkewMeeting& meeting);

}  // namespace hv::boot
