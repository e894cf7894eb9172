// The VM-execution, VM-exit and VM-entry controls: what is needed, wanted and forbidden.
#pragma once

#include <vmx/capabilities.hpp>

namespace hv::vmx {

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
    PRIMARY_INVLPG_EXITING = 1u << 9,
    PRIMARY_MWAIT_EXITING = 1u << 10,
    PRIMARY_RDPMC_EXITING = 1u << 11,
    PRIMARY_RDTSC_EXITING = 1u << 12,
    PRIMARY_CR3_LOAD_EXITING = 1u << 15,
    PRIMARY_CR3_STORE_EXITING = 1u << 16,
    PRIMARY_CR8_LOAD_EXITING = 1u << 19,
    PRIMARY_TPR_SHADOW = 1u << 21,
    PRIMARY_NMI_WINDOW = 1u << 22,
    PRIMARY_MOV_DR_EXITING = 1u << 23,
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

}  // namespace hv::vmx
