// Reading the capability MSRs of the pCPU that runs this.
#include <vmx/capabilities.hpp>
#include <vmx/controls.hpp>
#include <x86/cpuid.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

namespace hv::vmx {

Offer read_offer() {
    Offer offer{.vmx = (x86::cpuid(1).ecx >> 5 & 1) != 0};
    if (!offer.vmx)
        return offer;
    offer.feature_control = x86::read_msr(x86::IA32_FEATURE_CONTROL);
    offer.basic = x86::read_msr(x86::IA32_VMX_BASIC);
    offer.misc = x86::read_msr(x86::IA32_VMX_MISC);

    // The TRUE controls, where there are some, let more bits be zero
    const bool exact = offer.true_controls();
    const u32 distance =
        exact ? x86::IA32_VMX_TRUE_PINBASED_CTLS - x86::IA32_VMX_PINBASED_CTLS : 0;
    offer.pin = x86::read_msr(x86::IA32_VMX_PINBASED_CTLS + distance);
    offer.primary = x86::read_msr(x86::IA32_VMX_PROCBASED_CTLS + distance);
    offer.exit = x86::read_msr(x86::IA32_VMX_EXIT_CTLS + distance);
    offer.entry = x86::read_msr(x86::IA32_VMX_ENTRY_CTLS + distance);

    // Each of these MSRs exists only if the one before it says so
    if (allows(offer.primary, PRIMARY_SECONDARY))
        offer.secondary = x86::read_msr(x86::IA32_VMX_PROCBASED_CTLS2);
    if (allows(offer.secondary, SECONDARY_EPT) || allows(offer.secondary, SECONDARY_VPID))
        offer.ept_vpid = x86::read_msr(x86::IA32_VMX_EPT_VPID_CAP);

    offer.cr0_fixed0 = x86::read_msr(x86::IA32_VMX_CR0_FIXED0);
    offer.cr0_fixed1 = x86::read_msr(x86::IA32_VMX_CR0_FIXED1);
    offer.cr4_fixed0 = x86::read_msr(x86::IA32_VMX_CR4_FIXED0);
    offer.cr4_fixed1 = x86::read_msr(x86::IA32_VMX_CR4_FIXED1);
    return offer;
}

}  // namespace hv::vmx
