// A vCPU's floating-point and vector registers, while another vCPU has the processor's.
#pragma once

#include <span>
#include <x86/fpu.hpp>

namespace hv {

/// The x87, SSE, AVX and AVX-512 state of one vCPU, and the XCR0 that its guest chose. The hypervisor
/// uses general registers only, so this is switched when the vCPU is, not at exits.
class FpuState {
public:
    FpuState() { x86::reset_fpu_area(area_); }

    /// Loads the state into this pCPU, or puts it away.
    void restore(const x86::FpuSupport& support) { x86::load_fpu(support, area_, xcr0_); }
    void save(const x86::FpuSupport& support) { x86::save_fpu(support, area_); }

    u64 xcr0() const { return xcr0_; }
    /// XSETBV by the guest, whose state is loaded on this pCPU. False: it may not set that.
    bool set_xcr0(u64 wish, u64 allowed);

    /// The saved state, in the standard layout, while the vCPU is not loaded.
    std::span<u8> image() { return area_; }

private:
    static constexpr u64 bytes = 2752;  ///< through AVX-512, in XSAVE's standard layout

    alignas(64) u8 area_[bytes] = {};
    u64 xcr0_ = 1;                      ///< as after reset: x87 alone
};

}  // namespace hv
