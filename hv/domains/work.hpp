// What every pCPU does for ever: choose a vCPU, run it, put it away; sleep when there is none.
#pragma once

#include <domains/household.hpp>

namespace hv {

/// True when this pCPU should leave its guest: a reschedule was asked for. Other asks are met by
/// the exit that they caused, and are cleared here.
inline bool leave_wanted(Cpu& cpu) {
    const u32 asks = cpu.asks.load(std::memory_order_relaxed);
    if (asks == 0) [[likely]]
        return false;
    cpu.asks.fetch_and(ask_reschedule, std::memory_order_relaxed);
    return (asks & ask_reschedule) != 0;
}

/// Runs vCPUs on this pCPU for ever, with the engine that the machine chose. Interrupts are off.
[[noreturn]] void work(Cpu& cpu);

}  // namespace hv
