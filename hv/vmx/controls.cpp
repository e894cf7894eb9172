// The controls wanted and required, and how a processor's capability MSRs settle them.
#include <vmx/controls.hpp>

namespace hv::vmx {

namespace {

constexpr Wish pin_wish{
    .required = PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING | PIN_VIRTUAL_NMIS,
    .forbidden = PIN_PREEMPTION_TIMER,  // it is armed as a guest is entered with interrupts off
};

// Port accesses, HLT and unlisted MSRs exit. CR3, INVLPG, RDTSC and the debug registers do not:
// EPT, VPID, the TSC offset and the switch between vCPUs keep guests apart.
constexpr Wish primary_wish{
    .required = PRIMARY_TSC_OFFSETTING | PRIMARY_HLT_EXITING | PRIMARY_MWAIT_EXITING |
                PRIMARY_RDPMC_EXITING | PRIMARY_CR8_LOAD_EXITING | PRIMARY_TPR_SHADOW |
                PRIMARY_UNCONDITIONAL_IO | PRIMARY_MSR_BITMAPS | PRIMARY_MONITOR_EXITING |
                PRIMARY_SECONDARY,
    .forbidden = PRIMARY_INVLPG_EXITING | PRIMARY_RDTSC_EXITING | PRIMARY_CR3_LOAD_EXITING |
                 PRIMARY_CR3_STORE_EXITING | PRIMARY_MOV_DR_EXITING,
};

constexpr u32 apic_bits =
    SECONDARY_X2APIC_MODE | SECONDARY_APIC_REGISTERS | SECONDARY_VIRTUAL_INTERRUPTS;

constexpr Wish secondary_wish{
    .required = SECONDARY_EPT | SECONDARY_UNRESTRICTED_GUEST,
    .wanted = SECONDARY_RDTSCP | SECONDARY_VPID | SECONDARY_WBINVD_EXITING | apic_bits |
              SECONDARY_PAUSE_LOOP_EXITING | SECONDARY_INVPCID | SECONDARY_XSAVES,
};

// Without "acknowledge interrupt" the interrupt stays pending, and the host takes it through its
// own IDT.
constexpr Wish exit_wish{
    .required = EXIT_SAVE_DEBUG | EXIT_HOST_64_BIT | EXIT_SAVE_PAT | EXIT_LOAD_PAT |
                EXIT_SAVE_EFER | EXIT_LOAD_EFER,
    .forbidden = EXIT_ACKNOWLEDGE_INTERRUPT,
};

constexpr Wish entry_wish{
    .required = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
    .forbidden = ENTRY_IA32E_GUEST,  // follows the guest's EFER.LMA
};

}  // namespace

Result<u32> adjust(u64 capability, const Wish& wish) {
    const u32 must_be_one = static_cast<u32>(capability);
    const u32 may_be_one = static_cast<u32>(capability >> 32);
    if ((wish.required & ~may_be_one) != 0 || (wish.forbidden & must_be_one) != 0)
        return Error{XEN_ENODEV};
    return must_be_one | wish.required | (wish.wanted & may_be_one);
}

Result<Controls> choose_controls(const Offer& offer, const char** why) {
    const Result<u32> pin = adjust(offer.pin, pin_wish);
    const Result<u32> primary = adjust(offer.primary, primary_wish);
    const Result<u32> secondary = adjust(offer.secondary, secondary_wish);
    const Result<u32> exit = adjust(offer.exit, exit_wish);
    const Result<u32> entry = adjust(offer.entry, entry_wish);
    if (!pin || !primary || !secondary || !exit || !entry ||
        !allows(offer.pin, PIN_PREEMPTION_TIMER)) {
        *why = "this processor's VMX lacks controls that are needed: TRUE capability MSRs, virtual "
               "NMIs, the preemption timer, and saved PAT and EFER came with Westmere (2010)";
        return Error{XEN_ENODEV};
    }
    Controls controls{*pin, *primary, *secondary, *exit, *entry};

    // Virtual-interrupt delivery is used whole or not at all
    if ((controls.secondary & apic_bits) != apic_bits)
        controls.secondary &= ~apic_bits;
    else
        controls.primary &= ~PRIMARY_CR8_LOAD_EXITING;
    return controls;
}

}  // namespace hv::vmx
