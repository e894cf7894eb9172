// Model-specific registers by number, under the names that Intel's and AMD's manuals give them.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

enum Msr : u32 {
    IA32_TIME_STAMP_COUNTER = 0x10,
    IA32_PLATFORM_ID = 0x17,
    IA32_APIC_BASE = 0x1b,
    IA32_FEATURE_CONTROL = 0x3a,
    IA32_PRED_CMD = 0x49,
    IA32_BIOS_UPDT_TRIG = 0x79,
    IA32_BIOS_SIGN_ID = 0x8b,
    IA32_MTRRCAP = 0xfe,
    MSR_MISC_FEATURES_ENABLES = 0x140,
    IA32_SYSENTER_CS = 0x174, IA32_SYSENTER_ESP = 0x175, IA32_SYSENTER_EIP = 0x176,
    IA32_MCG_CAP = 0x179, IA32_MCG_STATUS = 0x17a,
    IA32_MISC_ENABLE = 0x1a0,
    IA32_DEBUGCTL = 0x1d9,
    IA32_MTRR_PHYSBASE0 = 0x200,
    IA32_MTRR_FIX64K_00000 = 0x250,
    IA32_MTRR_FIX16K_80000 = 0x258, IA32_MTRR_FIX16K_A0000 = 0x259,
    IA32_MTRR_FIX4K_C0000 = 0x268, IA32_MTRR_FIX4K_F8000 = 0x26f,
    IA32_PAT = 0x277,
    IA32_MTRR_DEF_TYPE = 0x2ff,

    // What VMX can do: Intel SDM, "VMX Capability Reporting Facility"
    IA32_VMX_BASIC = 0x480,
    IA32_VMX_PINBASED_CTLS = 0x481, IA32_VMX_PROCBASED_CTLS = 0x482,
    IA32_VMX_EXIT_CTLS = 0x483, IA32_VMX_ENTRY_CTLS = 0x484,
    IA32_VMX_MISC = 0x485,
    IA32_VMX_CR0_FIXED0 = 0x486, IA32_VMX_CR0_FIXED1 = 0x487,
    IA32_VMX_CR4_FIXED0 = 0x488, IA32_VMX_CR4_FIXED1 = 0x489,
    IA32_VMX_PROCBASED_CTLS2 = 0x48b,
    IA32_VMX_EPT_VPID_CAP = 0x48c,
    IA32_VMX_TRUE_PINBASED_CTLS = 0x48d,  ///< the other three follow, in the order above

    IA32_TSC_DEADLINE = 0x6e0,
    IA32_X2APIC_FIRST = 0x800,  ///< + the register's xAPIC offset / 16
    IA32_X2APIC_LAST = 0x8ff,

    IA32_EFER = 0xc0000080,
    IA32_STAR = 0xc0000081, IA32_LSTAR = 0xc0000082, IA32_CSTAR = 0xc0000083,
    IA32_FMASK = 0xc0000084,
    IA32_FS_BASE = 0xc0000100, IA32_GS_BASE = 0xc0000101,
    IA32_KERNEL_GS_BASE = 0xc0000102,
    IA32_TSC_AUX = 0xc0000103,

    // AMD's own: AMD64 APM volume 2, "MSR Cross-Reference"
    AMD_SYSCFG = 0xc0010010,
    AMD_HWCR = 0xc0010015,
    AMD_NB_CFG = 0xc001001f,
    AMD_INT_PENDING = 0xc0010055,
    AMD_TSEG_BASE = 0xc0010111,
    AMD_VM_CR = 0xc0010114, AMD_VM_HSAVE_PA = 0xc0010117,
};

/// MSRs that every guest has to itself, without exits: each engine exchanges them.
inline constexpr Msr switched_msrs[] = {
    IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP, IA32_STAR,    IA32_LSTAR,
    IA32_CSTAR,       IA32_FMASK,        IA32_FS_BASE,      IA32_GS_BASE, IA32_KERNEL_GS_BASE,
};

/// IA32_APIC_BASE.
enum ApicBaseBits : u64 {
    APIC_BASE_BSP = 1u << 8,
    APIC_BASE_EXTD = 1u << 10,  ///< x2APIC mode
    APIC_BASE_EN = 1u << 11,
};

/// IA32_FEATURE_CONTROL.
enum FeatureControlBits : u64 {
    FEATURE_CONTROL_LOCK = 1u << 0,
    FEATURE_CONTROL_VMX_OUTSIDE_SMX = 1u << 2,
};

/// VM_CR.
enum VmCrBits : u64 {
    VM_CR_LOCK = 1u << 3,
    VM_CR_SVMDIS = 1u << 4,
};

}  // namespace hv::x86
