// The watchdog: every pCPU ticks once a second, and looks whether its neighbour did.
#pragma once

#include <boot/timers.hpp>

namespace hv {

/// One pCPU's tick, and what it last saw of the next pCPU's.
struct Heartbeat {
    static constexpr u64 period = 1'000'000'000;  ///< ns
    static constexpr u8 patience = 5;             ///< ticks of mine without one of the neighbour's

    Heartbeat();
    Timer timer;
    std::atomic<u64> count{0};
    u64 neighbour_count = 0;
    u8 neighbour_missed = 0;
};

/// Starts this pCPU's tick. Interrupts off.
void start_heartbeat(Cpu& cpu);

}  // namespace hv
