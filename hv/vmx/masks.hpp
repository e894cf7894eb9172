// Which bits of CR0 and CR4 a guest only believes it writes.
#pragma once

#include <x86/bits.hpp>

namespace hv::vmx {

/// Host-owned bits of CR0. VMX needs NE; CD and NW would slow the machine, which knows its caches
/// better. A guest reads back what it wrote.
inline constexpr u64 cr0_host_owned = x86::CR0_NE | x86::CR0_CD | x86::CR0_NW;
inline constexpr u64 cr0_host_values = x86::CR0_NE;

/// Host-owned bits of CR4 that a guest may write, and reads back: machine checks stay on.
inline constexpr u64 cr4_shadowed = x86::CR4_MCE;
/// Host-owned bits of CR4 for which this guest's CPU raises #GP.
inline constexpr u64 cr4_forbidden = x86::CR4_VMXE | x86::CR4_SMXE | x86::CR4_LA57;
inline constexpr u64 cr4_host_owned = cr4_shadowed | cr4_forbidden;
inline constexpr u64 cr4_host_values = x86::CR4_VMXE | x86::CR4_MCE;

/// The register that VMX runs with, for a guest that believes `wished`.
constexpr u64 real_cr0(u64 wished) { return (wished & ~cr0_host_owned) | cr0_host_values; }
constexpr u64 real_cr4(u64 wished) { return (wished & ~cr4_host_owned) | cr4_host_values; }

/// What the guest believes: its own bits as they are, the host's as it last wrote them.
constexpr u64 believed(u64 real, u64 shadow, u64 host_owned) {
    return (real & ~host_owned) | (shadow & host_owned);
}

}  // namespace hv::vmx
