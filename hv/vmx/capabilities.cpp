// What this processor's VMX offers: the judgement, with a sentence for each thing that is missing.
#include <vmx/capabilities.hpp>
#include <vmx/controls.hpp>
#include <x86/msr.hpp>

namespace hv::vmx {

namespace {

Result<> refuse(const char** why, const char* sentence) {
    *why = sentence;
    return Error{XEN_ENODEV};
}

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

}  // namespace

Result<x86::EngineCapabilities> judge(const Offer& offer, const char** why) {
    TRY(judge_vmx(offer, why));
    TRY(judge_ept(offer, why));
    const Result<Controls> controls = choose_controls(offer, why);
    TRY(controls);

    return x86::EngineCapabilities{
        .superpage_2m = (offer.ept_vpid & CAP_EPT_2M) != 0,
        .superpage_1g = (offer.ept_vpid & CAP_EPT_1G) != 0,
        .virtual_interrupts = delivers_interrupts(*controls),
        .tags = controls->secondary & SECONDARY_VPID ? 0xffffu : 0,
    };
}

}  // namespace hv::vmx
