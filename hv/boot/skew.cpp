// How far two pCPUs' TSCs are apart, by passing a word to and fro.
#include <array>
#include <boot/skew.hpp>
#include <x86/privileged.hpp>

namespace hv::boot {

s64 measure_skew(SkewMeeting& meeting) {
    std::array<SkewRound, skew_rounds> rounds;
    for (SkewRound& round : rounds) {
        const u32 turn = meeting.turn.load(std::memory_order_relaxed);
        round.asked = x86::read_tsc();
        meeting.turn.store(turn + 1, std::memory_order_release);
        while (meeting.turn.load(std::memory_order_acquire) != turn + 2)
            x86::pause();
        round.answered = x86::read_tsc();
        round.other = meeting.answer.load(std::memory_order_relaxed);
    }
    return skew_of(rounds);
}

void answer_skew(SkewMeeting& meeting) {
    for (unsigned i = 0; i < skew_rounds; ++i) {
        u32 turn;
        while (!((turn = meeting.turn.load(std::memory_order_acquire)) & 1))
            x86::pause();
        meeting.answer.store(x86::read_tsc(), std::memory_order_relaxed);
        meeting.turn.store(turn + 1, std::memory_order_release);
    }
}

}  // namespace hv::boot
