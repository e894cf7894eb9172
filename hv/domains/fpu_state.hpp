// A vCPU's floating-point and vector registers, while another vCPU has the processor's.
#pragma once

#include <span>
#include <x86/fpu.hpp>
#include <x86/privileged.hpp>

namespace hv {

/// The x87, SSE, AVX and AVX-512 state of one vCPU, and the XCR0 that its guest chose. The
/// hypervisor uses general registers only, so this is switched when the vCPU is, not at exits.
class FpuState {
public:
    FpuState() { x86::reset_fpu_area(area_); }

    /// Loads the state into this pCPU, or puts it away.
    void restore(const x86::FpuSupport& support) { x86::load_fpu(support, area_, xcr0_); }
    void save(const x86::FpuSupport& support) {
        xcr0_ = xcr0(support);
        x86::save_fpu(support, area_);
    }

    /// The XCR0 in force, while the state is loaded here: read from the processor, for not every
    /// one (QEMU's SVM) exits at XSETBV.
    u64 xcr0(const x86::FpuSupport& support) const {
        return support.xsave ? x86::read_xcr0() : xcr0_;
    }
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
