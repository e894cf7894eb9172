// The hosted twin of the privileged instructions that hosted code executes: no processor stands
// behind them, so all is quiet.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

inline u64 read_msr(u32) { return 0; }
inline u64 read_xcr0() { return 0; }
inline void write_xcr0(u64) {}
inline u64 read_tsc() { return 0; }
inline void enable_interrupts() {}
inline void disable_interrupts() {}
inline bool interrupts_enabled() { return false; }
inline void sleep_until_interrupt() {}
inline void open_interrupt_window() {}
inline void pause() {}

}  // namespace hv::x86
