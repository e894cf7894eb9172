// Bits of the control registers, flags, EFER and the page-fault error code, as the manuals name
// them.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// RFLAGS.
enum RflagsBits : u64 {
    RFLAGS_FIXED = 1u << 1,  ///< always one
    RFLAGS_IF = 1u << 9,
    RFLAGS_VM = 1u << 17,
    RFLAGS_AC = 1u << 18,
};

/// CR0.
enum Cr0Bits : u64 {
    CR0_PE = 1u << 0, CR0_MP = 1u << 1, CR0_EM = 1u << 2, CR0_TS = 1u << 3, CR0_NE = 1u << 5,
    CR0_WP = 1u << 16, CR0_NW = 1u << 29, CR0_CD = 1u << 30, CR0_PG = 1u << 31,
};

/// CR4.
enum Cr4Bits : u64 {
    CR4_PSE = 1u << 4, CR4_PAE = 1u << 5, CR4_MCE = 1u << 6, CR4_LA57 = 1u << 12,
    CR4_OSFXSR = 1u << 9, CR4_OSXMMEXCPT = 1u << 10, CR4_OSXSAVE = 1u << 18,
    CR4_VMXE = 1u << 13, CR4_SMXE = 1u << 14,
    CR4_SMEP = 1u << 20, CR4_SMAP = 1u << 21,
};

/// IA32_EFER.
enum EferBits : u64 {
    EFER_SCE = 1u << 0, EFER_LME = 1u << 8, EFER_LMA = 1u << 10, EFER_NXE = 1u << 11,
    EFER_SVME = 1u << 12, EFER_FFXSR = 1u << 14,
};

/// XCR0: the state components that XSAVE manages.
enum Xcr0Bits : u64 {
    XCR0_X87 = 1u << 0, XCR0_SSE = 1u << 1, XCR0_AVX = 1u << 2,
    XCR0_OPMASK = 1u << 5, XCR0_ZMM_Hi256 = 1u << 6, XCR0_Hi16_ZMM = 1u << 7,
};

/// The error code of a page fault.
enum PageFaultBits : u32 {
    PFEC_P = 1u << 0,     ///< the page was present: a protection violation
    PFEC_W = 1u << 1,     ///< a write
    PFEC_U = 1u << 2,     ///< from user mode
    PFEC_RSVD = 1u << 3,  ///< a reserved bit was set in an entry
    PFEC_I = 1u << 4,     ///< an instruction fetch
};

/// Entries of the page tables (IA-32e, PAE and 32-bit paging alike).
enum PageEntryBits : u64 {
    PTE_P = 1u << 0, PTE_RW = 1u << 1, PTE_US = 1u << 2, PTE_PWT = 1u << 3, PTE_PCD = 1u << 4,
    PTE_A = 1u << 5, PTE_D = 1u << 6, PTE_PS = 1u << 7, PTE_XD = 1ull << 63,
};

/// Exceptions, by their mnemonics.
enum Exception : u8 {
    EXCEPTION_DB = 1, EXCEPTION_NMI = 2, EXCEPTION_BP = 3, EXCEPTION_OF = 4, EXCEPTION_UD = 6,
    EXCEPTION_DF = 8, EXCEPTION_GP = 13, EXCEPTION_PF = 14, EXCEPTION_AC = 17, EXCEPTION_MC = 18,
};

}  // namespace hv::x86
