// Judging what VMX offers, with a sentence for each thing that is missing; settling the controls.
#include <algorithm>
#include <vmx/controls.hpp>
#include <x86/msr.hpp>

namespace hv::vmx {

namespace {

using x86::refuse;

/// VMX itself: in the processor, and not locked off.
Result<> judge_vmx(const Offer& offer, const char** why) {
    if (!offer.vmx)
        return refuse(why, "this processor has no VMX (Intel VT-x; CPUID.1:ECX bit 5 is clear); "
                           "QEMU without KVM has SVM, with -cpu EPYC");
    const u64 lock = offer.feature_control & x86::FEATURE_CONTROL_LOCK;
    if (lock && !(offer.feature_control & x86::FEATURE_CONTROL_VMX_OUTSIDE_SMX))
        return refuse(why, "firmware has locked VMX off (IA32_FEATURE_CONTROL): enable VT-x in the "
                           "machine's setup and switch it off and on again");
    return {};
}

/// Nested paging as this hypervisor uses it.
Result<> judge_ept(const Offer& offer, const char** why) {
    if (!allows(offer.primary, PRIMARY_SECONDARY) || !allows(offer.secondary, SECONDARY_EPT))
        return refuse(why, "this processor's VMX has no EPT (nested paging): "
                           "a Nehalem (2008) or later is needed");
    if (!allows(offer.secondary, SECONDARY_UNRESTRICTED_GUEST))
        return refuse(why, "this processor's VMX has no unrestricted guest: "
                           "a Westmere (2010) or later is needed");
    constexpr u64 needed = CAP_WALK_4 | CAP_EPT_WB | CAP_INVEPT | CAP_INVEPT_SINGLE;
    if ((offer.ept_vpid & needed) != needed)
        return refuse(why, "this processor's EPT lacks four-level write-back tables or INVEPT: "
                           "IA32_VMX_EPT_VPID_CAP bits 6, 14, 20 and 25 are needed");
    return {};
}

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
    .forbidden = PRIMARY_CR3_LOAD_EXITING | PRIMARY_CR3_STORE_EXITING,
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

/// x2APIC registers, as MSRs: offset in the page / 16.
constexpr u32 apic_msr(u32 offset) { return x86::IA32_X2APIC_FIRST + offset / 16; }
constexpr u32 apic_task_priority = apic_msr(0x080), apic_processor_priority = apic_msr(0x0a0);
constexpr u32 apic_end_of_interrupt = apic_msr(0x0b0), apic_self_ipi = apic_msr(0x3f0);
constexpr u32 apic_first_in_service = apic_msr(0x100), apic_last_request = apic_msr(0x270);

/// Four kilobytes' quarters are reads low, reads high, writes low, writes high.
void pass(std::span<u8, page_size> bitmap, u32 msr, bool write) {
    const size_t quarter = (write ? 2 : 0) + (msr >= 0xc0000000 ? 1 : 0);
    const size_t bit = quarter * 8 * 1024 + (msr & 0x1fff);
    bitmap[bit / 8] &= static_cast<u8>(~(1u << bit % 8));
}

void pass_both(std::span<u8, page_size> bitmap, u32 msr) {
    pass(bitmap, msr, false);
    pass(bitmap, msr, true);
}

}  // namespace

Result<x86::EngineCapabilities> judge(const Offer& offer, const char** why) {
    TRY(judge_vmx(offer, why));
    TRY(judge_ept(offer, why));
    const Controls controls = TRY(choose_controls(offer, why));

    return x86::EngineCapabilities{
        .superpage_2m = (offer.ept_vpid & CAP_EPT_2M) != 0,
        .superpage_1g = (offer.ept_vpid & CAP_EPT_1G) != 0,
        .virtual_interrupts = delivers_interrupts(controls),
        .tags = controls.secondary & SECONDARY_VPID ? 0xffffu : 0,
    };
}

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
        !allows(offer.pin, PIN_PREEMPTION_TIMER))
        return refuse(why, "this processor's VMX lacks controls that are needed: TRUE capability "
                           "MSRs, virtual NMIs, the preemption timer, and saved PAT and EFER came "
                           "with Westmere (2010)");
    Controls controls{*pin, *primary, *secondary, *exit, *entry};

    // Virtual-interrupt delivery is used whole or not at all
    if ((controls.secondary & apic_bits) != apic_bits)
        controls.secondary &= ~apic_bits;
    else
        controls.primary &= ~PRIMARY_CR8_LOAD_EXITING;
    return controls;
}

void fill_msr_bitmap(std::span<u8, page_size> bitmap, bool virtual_apic) {
    std::fill(bitmap.begin(), bitmap.end(), static_cast<u8>(0xff));
    for (const u32 msr : x86::switched_msrs)
        pass_both(bitmap, msr);
    for (const u32 msr : {x86::IA32_PAT, x86::IA32_EFER, x86::IA32_TSC_AUX})
        pass_both(bitmap, msr);
    if (!virtual_apic)
        return;
    pass(bitmap, apic_task_priority, false);
    pass(bitmap, apic_processor_priority, false);
    for (u32 msr = apic_first_in_service; msr <= apic_last_request; ++msr)
        pass(bitmap, msr, false);
    for (u32 msr : {apic_task_priority, apic_end_of_interrupt, apic_self_ipi})
        pass(bitmap, msr, true);
}

}  // namespace hv::vmx
