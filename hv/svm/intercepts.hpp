// What makes a guest exit: the intercepts, and the maps of ports and MSRs.
#pragma once

#include <span>
#include <svm/vmcb.hpp>
#include <x86/msr.hpp>

namespace hv::svm {

/// ControlArea::intercepts_1. Source: AMD64 APM volume 2, Appendix B, "VMCB Layout, Control Area".
enum Intercepts1 : u32 {
    INTERCEPT_INTR = 1u << 0,
    INTERCEPT_NMI = 1u << 1,
    INTERCEPT_SMI = 1u << 2,
    INTERCEPT_INIT = 1u << 3,
    INTERCEPT_VINTR = 1u << 4,
    INTERCEPT_RDPMC = 1u << 15,
    INTERCEPT_CPUID = 1u << 18,
    INTERCEPT_IRET = 1u << 20,
    INTERCEPT_INVD = 1u << 22,
    INTERCEPT_PAUSE = 1u << 23,
    INTERCEPT_HLT = 1u << 24,
    INTERCEPT_INVLPGA = 1u << 26,
    INTERCEPT_IOIO_PROT = 1u << 27,
    INTERCEPT_MSR_PROT = 1u << 28,
    INTERCEPT_SHUTDOWN = 1u << 31,
};

/// ControlArea::intercepts_2.
enum Intercepts2 : u32 {
    INTERCEPT_VMRUN = 1u << 0,
    INTERCEPT_VMMCALL = 1u << 1,
    INTERCEPT_VMLOAD = 1u << 2,
    INTERCEPT_VMSAVE = 1u << 3,
    INTERCEPT_STGI = 1u << 4,
    INTERCEPT_CLGI = 1u << 5,
    INTERCEPT_SKINIT = 1u << 6,
    INTERCEPT_WBINVD = 1u << 9,
    INTERCEPT_MONITOR = 1u << 10,
    INTERCEPT_MWAIT = 1u << 11,
    INTERCEPT_MWAIT_CONDITIONAL = 1u << 12,
    INTERCEPT_XSETBV = 1u << 13,
    INTERCEPT_RDPRU = 1u << 14,
};

/// MSRs that the world switch exchanges: the guest reads and writes them without an exit.
inline constexpr u32 switched_msrs[] = {
    x86::IA32_SYSENTER_CS, x86::IA32_SYSENTER_ESP, x86::IA32_SYSENTER_EIP, x86::IA32_STAR,
    x86::IA32_LSTAR,       x86::IA32_CSTAR,        x86::IA32_FMASK,        x86::IA32_FS_BASE,
    x86::IA32_GS_BASE,     x86::IA32_KERNEL_GS_BASE,
};

inline constexpr size_t io_map_bytes = 3 * page_size;
inline constexpr size_t msr_map_bytes = 2 * page_size;

/// Fills the I/O permission map: every port exits.
void fill_io_map(std::span<u8, io_map_bytes> map);

/// Fills the MSR permission map: every MSR exits, for reading and for writing, except
/// switched_msrs. EFER exits so that its guest neither sees nor clears SVME; PAT, because not every
/// CPU that we run on exchanges it.
void fill_msr_map(std::span<u8, msr_map_bytes> map);

/// Sets in `control` all that our guests exit for. `features` are CPUID's SvmFeatureBits.
void set_intercepts(ControlArea& control, u32 features);

}  // namespace hv::svm
