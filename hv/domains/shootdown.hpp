// The shootdown: how every pCPU is made to forget a translation before its frame changes hands.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// What one pCPU shows the others of where it is. The pCPU's part that chapter `domains` furnishes.
struct Whereabouts {
    static constexpr Chapter chapter = Chapter::domains;

    Vcpu* current = nullptr;              ///< the vCPU whose registers are on this pCPU
    std::atomic<Domain*> inside{nullptr}; ///< whose guest it is executing; nullptr in the
                                          ///< hypervisor
    std::atomic<u64> entered_with{0};     ///< the generation of that domain's p2m at entry
    bool idle = false;
    u64 idle_time = 0;                    ///< ns that nobody ran here
    Timer slice;                          ///< ends a vCPU's turn
    u64 turn_began = 0;                   ///< machine time, ns

    Whereabouts();
};

inline Whereabouts& whereabouts(const Cpu& cpu) { return cpu.parts.get<Whereabouts>(); }

/// Says that this pCPU is about to enter `domain`'s guest, and returns its p2m's generation. Every
/// change made before the return is seen by a flush at this entry; every later one finds us inside.
u64 announce_entry(Whereabouts& here, Domain& domain);
inline void announce_exit(Whereabouts& here) {
    here.inside.store(nullptr, std::memory_order_release);
}

/// Raises the generation of `domain`'s p2m and returns when no pCPU runs its guest with an older
/// one.
void shoot_down(Domain& domain);

}  // namespace hv
