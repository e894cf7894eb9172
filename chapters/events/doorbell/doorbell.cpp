// Hears what rings, without a bell that is lost, and without one that nobody rang.
#include <bit>
#include <events/doorbell/doorbell.hpp>

namespace bell {
namespace {

constexpr u64 bit_of(u32 port) { return u64{1} << port % bits_per_word; }

}  // namespace

void answer(Board& board) {
    board.told->exchange(false);
    u64 words = board.selector->exchange(0);
    for (; words != 0; words &= words - 1) {
        const u32 word = static_cast<u32>(std::countr_zero(words));
        u64 rung = board.pending[word].look() & ~board.mask[word].look();
        for (; rung != 0; rung &= rung - 1) {
            const u32 port = word * bits_per_word + static_cast<u32>(std::countr_zero(rung));
            board.pending[word].clear(bit_of(port));
            serve(port);
        }
    }
}

bool open(Board& board, u32 port) {
    const u32 word = port / bits_per_word;
    board.mask[word].clear(bit_of(port));
    if ((board.pending[word].look() & bit_of(port)) == 0) return false;
    board.selector->set(u64{1} << word);
    return true;
}

void wait_for(Board& board, u32 port) {
    while ((board.pending[port / bits_per_word].clear(bit_of(port)) & bit_of(port)) == 0)
        sleep_for(port);
}

}  // namespace bell
