// What this processor's VMX offers, and what is made of it: controls, masks and the MSR bitmap.
#pragma once

#include <span>
#include <x86/bits.hpp>
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

/// Judges an offer: what can be used of it, or XEN_ENODEV with `*why` a sentence for a person.
Result<x86::EngineCapabilities> judge(const Offer& offer, const char** why);

/// Pin-based VM-execution controls. Intel SDM, "VM-Execution Control Fields".
enum PinBits : u32 {
    PIN_EXTERNAL_INTERRUPT_EXITING = 1u << 0,
    PIN_NMI_EXITING = 1u << 3,
    PIN_VIRTUAL_NMIS = 1u << 5,
    PIN_PREEMPTION_TIMER = 1u << 6,
};

/// Primary processor-based VM-execution controls.
enum PrimaryBits : u32 {
    PRIMARY_INTERRUPT_WINDOW = 1u << 2,
    PRIMARY_TSC_OFFSETTING = 1u << 3,
    PRIMARY_HLT_EXITING = 1u << 7,
    PRIMARY_MWAIT_EXITING = 1u << 10,
    PRIMARY_RDPMC_EXITING = 1u << 11,
    PRIMARY_CR3_LOAD_EXITING = 1u << 15,
    PRIMARY_CR3_STORE_EXITING = 1u << 16,
    PRIMARY_CR8_LOAD_EXITING = 1u << 19,
    PRIMARY_TPR_SHADOW = 1u << 21,
    PRIMARY_NMI_WINDOW = 1u << 22,
    PRIMARY_UNCONDITIONAL_IO = 1u << 24,
    PRIMARY_MSR_BITMAPS = 1u << 28,
    PRIMARY_MONITOR_EXITING = 1u << 29,
    PRIMARY_SECONDARY = 1u << 31,
};

/// Secondary processor-based VM-execution controls.
enum SecondaryBits : u32 {
    SECONDARY_EPT = 1u << 1,
    SECONDARY_RDTSCP = 1u << 3,
    SECONDARY_X2APIC_MODE = 1u << 4,
    SECONDARY_VPID = 1u << 5,
    SECONDARY_WBINVD_EXITING = 1u << 6,
    SECONDARY_UNRESTRICTED_GUEST = 1u << 7,
    SECONDARY_APIC_REGISTERS = 1u << 8,
    SECONDARY_VIRTUAL_INTERRUPTS = 1u << 9,
    SECONDARY_PAUSE_LOOP_EXITING = 1u << 10,
    SECONDARY_INVPCID = 1u << 12,
    SECONDARY_XSAVES = 1u << 20,
};

/// VM-exit controls.
enum ExitControlBits : u32 {
    EXIT_SAVE_DEBUG = 1u << 2,
    EXIT_HOST_64_BIT = 1u << 9,
    EXIT_ACKNOWLEDGE_INTERRUPT = 1u << 15,
    EXIT_SAVE_PAT = 1u << 18,
    EXIT_LOAD_PAT = 1u << 19,
    EXIT_SAVE_EFER = 1u << 20,
    EXIT_LOAD_EFER = 1u << 21,
};

/// VM-entry controls.
enum EntryControlBits : u32 {
    ENTRY_LOAD_DEBUG = 1u << 2,
    ENTRY_IA32E_GUEST = 1u << 9,
    ENTRY_LOAD_PAT = 1u << 14,
    ENTRY_LOAD_EFER = 1u << 15,
};

/// One set of controls, as a VMCS takes it.
struct Controls {
    u32 pin = 0, primary = 0, secondary = 0, exit = 0, entry = 0;
};

/// True when a capability MSR lets `bits` be one: its high half says which may be.
constexpr bool allows(u64 capability, u32 bits) {
    return ((capability >> 32) & bits) == bits;
}

/// What is asked of one control word.
struct Wish {
    u32 required = 0;   ///< this hypervisor does not run without
    u32 wanted = 0;     ///< used where offered
    u32 forbidden = 0;  ///< must be able to stay zero
};

/// Settles a wish with a capability MSR: its low half says which bits must be one, its high half
/// which may be. XEN_ENODEV when a required bit may not be one, or a forbidden one must be.
Result<u32> adjust(u64 capability, const Wish& wish);

/// The controls that every vCPU starts with on a pCPU that makes this offer; XEN_ENODEV and a
/// sentence where the offer falls short. The bits of virtual-interrupt delivery are all there, or
/// none is.
Result<Controls> choose_controls(const Offer& offer, const char** why);

/// True when these controls let the CPU itself deliver a guest's interrupts from its APIC page.
constexpr bool delivers_interrupts(const Controls& controls) {
    return controls.secondary & SECONDARY_VIRTUAL_INTERRUPTS;
}

/// The same, but software delivers interrupts: it hears of each MOV to CR8, the task priority.
constexpr Controls without_delivery(Controls controls) {
    controls.primary |= PRIMARY_CR8_LOAD_EXITING;
    controls.secondary &=
        ~(SECONDARY_X2APIC_MODE | SECONDARY_APIC_REGISTERS | SECONDARY_VIRTUAL_INTERRUPTS);
    return controls;
}

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

/// Fills an MSR bitmap (Intel SDM, "MSR-Bitmap Address"): every access exits but those to MSRs that
/// the VMCS, or the switch between vCPUs, keeps for each guest. With `virtual_apic`, also those
/// x2APIC registers pass that the CPU keeps true in the page by itself.
void fill_msr_bitmap(std::span<u8, page_size> bitmap, bool virtual_apic);

}  // namespace hv::vmx
