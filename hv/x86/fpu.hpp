// Floating point, SSE and AVX state: whose it is changes with the vCPU, so it is saved and loaded.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// How this processor keeps such state, found once at boot.
struct FpuSupport {
    bool xsave = false;        ///< XSAVE is there; else FXSAVE, which knows x87 and SSE
    u64 components = 3;        ///< XCR0 with everything on that is switched here
    u32 area_bytes = 512;      ///< of one saved state
};

/// Reads what CPUID offers of x87, SSE, AVX and AVX-512; leaves out what does not fit in a frame.
FpuSupport find_fpu();
/// Turns it all on, on the pCPU that calls: CR0, CR4, XCR0.
void turn_on_fpu(const FpuSupport& support);

/// Fills `area` (64-byte aligned, zeroed, area_bytes long) with the state after reset.
void reset_fpu_area(u8* area);
/// Saves all components of this pCPU to `area`, or loads them all from it, and afterwards sets XCR0
/// to `xcr0`: a guest sees only what it enabled, but the rest of its state is never another's.
void save_fpu(const FpuSupport& support, u8* area);
void load_fpu(const FpuSupport& support, const u8* area, u64 xcr0);

}  // namespace hv::x86
