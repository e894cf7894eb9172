// Time: the TSC as a clock, and the wall clock it began at.
#pragma once

#include <base/types.hpp>

namespace hv {

/// Machine system time: nanoseconds since boot, counted by the TSC. It never stops and never jumps.
struct Clock {
    u64 boot_ticks = 0;       ///< the boot pCPU's TSC at time 0
    u64 ticks_per_second = 0; ///< 0 until calibrated
    u32 to_ns_multiplier = 0; ///< ns = (ticks << shift) * multiplier >> 32, as pvclock has it
    int to_ns_shift = 0;
    u64 wall_seconds = 0;     ///< Unix time at system time 0, from the RTC or from EFI

    void calibrate(u64 frequency);            ///< sets the scale from ticks per second
    u64 ticks() const;                        ///< the boot pCPU's TSC now, seen from any (hosted: a
                                              ///< counter)
    u64 to_ns(u64 ticks) const;               ///< a length of time in ticks, as ns
    u64 to_ticks(u64 ns) const;
    u64 now() const { return to_ns(ticks() - boot_ticks); }  ///< ns since boot

    u64 hosted_ticks = 0;     ///< the hosted machine's TSC
};

}  // namespace hv
