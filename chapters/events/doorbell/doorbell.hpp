// A guest's half of its event channels: the words that it shares with the hypervisor, and what it
// does with them.
#pragma once

#include <base/types.hpp>

namespace bell {

using namespace hv;

/// A word that two write at any moment, the guest and the hypervisor. Each of these is one step:
/// nobody comes in between, but somebody may come before and after.
class Word {
public:
    u64 look() const;
    u64 exchange(u64 value); ///< writes `value`, and returns what stood there
    u64 set(u64 bits);       ///< sets bits, and returns what stood there before
    u64 clear(u64 bits);     ///< clears bits, and returns what stood there before

private:
    u64 value_ = 0;
};

/// The same of one byte: evtchn_upcall_pending. When the hypervisor sets it, and it was clear, the
/// guest is interrupted; as long as it is set, it is not interrupted again.
class Flag {
public:
    bool exchange(bool value);

private:
    u8 value_ = 0;
};

/// What a guest of one vCPU shares with the hypervisor (struct shared_info, in xen/xen.h).
struct Board {
    Flag* told;
    Word* selector; ///< bit n: look into word n of `pending`
    Word* pending;  ///< 64 words; port 65 is bit 1 of the second
    Word* mask;     ///< likewise: not to be told of
};

inline constexpr u32 bits_per_word = 64;

/// Does what a port was rung for. Given.
void serve(u32 port);
/// SCHEDOP_poll: sleeps until `port` is pending, masked or not. It may come back for other reasons,
/// and earlier. Given.
void sleep_for(u32 port);

/// The interrupt handler: serves each port that has rung, once for all its rings so far, the lowest
/// first. Masked ones wait. Interrupts are off.
void answer(Board& board);

/// Opens the mask of a port. True: it rang meanwhile, and nobody will tell; answer(), which the
/// caller does then, finds it.
bool open(Board& board, u32 port);

/// Comes back when a port has rung that is masked, and which no handler serves; takes the ring.
void wait_for(Board& board, u32 port);

}  // namespace bell
