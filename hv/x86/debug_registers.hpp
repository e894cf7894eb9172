// The four breakpoint addresses, which no engine switches: moved by hand when a vCPU comes or goes.
// Bare metal only.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// Puts DR0 to DR3 into `addresses`. The host itself sets no breakpoint.
inline void read_debug_addresses(u64 (&addresses)[4]) {
    asm volatile("mov %%dr0, %0" : "=r"(addresses[0]));
    asm volatile("mov %%dr1, %0" : "=r"(addresses[1]));
    asm volatile("mov %%dr2, %0" : "=r"(addresses[2]));
    asm volatile("mov %%dr3, %0" : "=r"(addresses[3]));
}

/// Loads DR0 to DR3 from `addresses`.
inline void write_debug_addresses(const u64 (&addresses)[4]) {
    asm volatile("mov %0, %%dr0" ::"r"(addresses[0]));
    asm volatile("mov %0, %%dr1" ::"r"(addresses[1]));
    asm volatile("mov %0, %%dr2" ::"r"(addresses[2]));
    asm volatile("mov %0, %%dr3" ::"r"(addresses[3]));
}

}  // namespace hv::x86
