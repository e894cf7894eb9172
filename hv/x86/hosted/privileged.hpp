// The hosted twin of the privileged instructions: no processor stands behind them, so all is quiet.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

inline u64 read_cr0() { return 0; }
inline u64 read_cr2() { return 0; }
inline u64 read_cr3() { return 0; }
inline u64 read_cr4() { return 0; }
inline void write_cr0(u64) {}
inline void write_cr2(u64) {}
inline void write_cr3(u64) {}
inline void write_cr4(u64) {}
inline u64 read_dr6() { return 0; }
inline u64 read_dr7() { return 0; }
inline void write_dr6(u64) {}
inline void write_dr7(u64) {}
inline u64 read_msr(u32) { return 0; }
inline void write_msr(u32, u64) {}
inline u64 read_xcr0() { return 0; }
inline void write_xcr0(u64) {}
inline u64 read_tsc() { return 0; }
inline u64 read_rflags() { return 0; }
inline void enable_interrupts() {}
inline void disable_interrupts() {}
inline bool interrupts_enabled() { return false; }
inline void sleep_until_interrupt() {}
inline void open_interrupt_window() {}
inline void pause() {}
inline void invalidate_page(u64) {}
inline void write_back_caches() {}
inline u16 read_tr() { return 0; }

}  // namespace hv::x86
