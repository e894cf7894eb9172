// What this processor's VMX offers, read from its capability MSRs and judged.
#pragma once

#include <x86/engine.hpp>

namespace hv::vmx {

/// The capability MSRs, as read on one pCPU. Intel SDM, appendix "VMX Capability Reporting
/// Facility". The pin, primary, exit and entry controls are the TRUE ones where they exist.
struct Offer {
    bool vmx = false;            ///< CPUID.1:ECX.VMX
    u64 feature_control = 0;
    u64 basic = 0, misc = 0;
    u64 pin = 0, primary = 0, secondary = 0, exit = 0, entry = 0;
    u64 ept_vpid = 0;
    u64 cr0_fixed0 = 0, cr0_fixed1 = 0, cr4_fixed0 = 0, cr4_fixed1 = 0;

    u32 revision() const { return static_cast<u32>(basic) & 0x7fffffff; }
    bool true_controls() const { return basic >> 55 & 1; }
    /// The preemption timer counts down once in 2^this ticks of the TSC.
    unsigned preemption_timer_shift() const { return misc & 0x1f; }
};

/// IA32_VMX_EPT_VPID_CAP.
enum EptVpidBits : u64 {
    CAP_WALK_4 = 1ull << 6,
    CAP_EPT_WB = 1ull << 14,
    CAP_EPT_2M = 1ull << 16,
    CAP_EPT_1G = 1ull << 17,
    CAP_INVEPT = 1ull << 20,
    CAP_INVEPT_SINGLE = 1ull << 25,
    CAP_INVEPT_ALL = 1ull << 26,
    CAP_INVVPID_ALL = 1ull << 42,
};

/// Reads what this pCPU offers. Bare metal only.
Offer read_offer();

/// Judges an offer: what can be used of it, or XEN_ENODEV with `*why` a sentence for a person.
Result<x86::EngineCapabilities> judge(const Offer& offer, const char** why);

}  // namespace hv::vmx
