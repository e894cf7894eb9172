// The shootdown: how every pCPU is made to forget a translation before its frame changes hands.
#pragma once

#include <array>
#include <domains/domain.hpp>

namespace hv {

/// A page of a guest, where the hypervisor sees it.
struct SeenPage {
    Gfn gfn{~0ull};
    bool writable = false;
    u8* at = nullptr;
};

/// The pages that this pCPU found last, good while the generation stands (guest_memory.cpp).
struct SeenPages {
    static constexpr size_t count = 16;
    u64 generation = 0;
    std::array<SeenPage, count> pages{};
};

/// What one pCPU shows the others of where it is. The pCPU's part that chapter `domains` furnishes.
struct Whereabouts {
    static constexpr Chapter chapter = Chapter::domains;

    Vcpu* current = nullptr;              ///< the vCPU whose registers are on this pCPU
    std::atomic<Domain*> inside{nullptr}; ///< whose guest it executes, or whose memory it copies
    std::atomic<u64> entered_with{0};     ///< the generation of that domain's p2m at entry
    SeenPages seen{};                     ///< for this pCPU alone
    u64 idle_time = 0;                    ///< ns that nobody ran here
    Timer slice;                          ///< ends a vCPU's turn

    Whereabouts();
};

inline Whereabouts& whereabouts(const Cpu& cpu) { return cpu.parts.get<Whereabouts>(); }

/// Says that this pCPU is about to enter `domain`'s guest, or to reach into its memory, and returns
/// its p2m's generation. Every change made before the return is seen by a flush at this entry;
/// every later one finds us inside.
u64 announce_entry(Whereabouts& here, Domain& domain);
inline void announce_exit(Whereabouts& here) {
    here.inside.store(nullptr, std::memory_order_release);
}

/// Raises the generation of `domain`'s p2m and returns when no pCPU runs its guest with an older
/// one.
void shoot_down(Domain& domain);

}  // namespace hv
