// Whether this processor has an SVM that we can use, and filling in its maps.
#include <algorithm>
#include <svm/controls.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

namespace hv::svm {
namespace {

using x86::refuse;

constexpr u32 ecx_svm = 1u << 2;
constexpr u32 edx_page_1g = 1u << 26;

/// Clears the two bits of `msr`, one for reading and one for writing. Three ranges of 0x2000 MSRs
/// follow each other. Source: AMD64 APM volume 2, "MSR Intercepts".
void pass_through(std::span<u8, msr_map_bytes> map, u32 msr) {
    const size_t range = msr < 0xc0000000 ? 0 : msr < 0xc0010000 ? 1 : 2;
    const size_t bit = (range * 0x2000 + msr % 0x2000) * 2;
    map[bit / 8] &= static_cast<u8>(~(3u << bit % 8));
}

}  // namespace

Offer read_offer() {
    const x86::CpuidLeaf extended = x86::cpuid_if_present(0x80000001);
    Offer offer{.svm = (extended.ecx & ecx_svm) != 0,
                .pages_1g = (extended.edx & edx_page_1g) != 0};
    if (!offer.svm)
        return offer;
    const x86::CpuidLeaf svm = x86::cpuid_if_present(0x8000000a);
    offer.asids = svm.ebx;
    offer.features = svm.edx;
    offer.vm_cr = x86::read_msr(x86::AMD_VM_CR);
    return offer;
}

Result<x86::EngineCapabilities> judge(const Offer& offer, const char** why) {
    if (!offer.svm)
        return refuse(why, "this processor has no SVM (CPUID 8000_0001 ECX bit 2 is clear); it "
                           "would have to be an AMD with AMD-V, or emulated as with -cpu EPYC");
    if ((offer.vm_cr & x86::VM_CR_SVMDIS) && (offer.features & SVM_LOCK) &&
        (offer.vm_cr & x86::VM_CR_LOCK))
        return refuse(why, "firmware has locked SVM off (VM_CR.SVMDIS and LOCK are set); turn on "
                           "SVM Mode or AMD-V in the firmware's setup");
    if (!(offer.features & SVM_NP))
        return refuse(why, "this processor's SVM has no nested paging (CPUID 8000_000A EDX bit 0 "
                           "is clear); it would have to have NPT");
    if (offer.asids < 2)
        return refuse(why, "this processor offers a guest no address-space identifier (CPUID "
                           "8000_000A EBX); it would have to offer at least 2");
    return x86::EngineCapabilities{.superpage_2m = true,
                                   .superpage_1g = offer.pages_1g,
                                   .tags = offer.asids};
}

void fill_io_map(std::span<u8, io_map_bytes> map) { std::fill(map.begin(), map.end(), u8{0xff}); }

void fill_msr_map(std::span<u8, msr_map_bytes> map) {
    std::fill(map.begin(), map.end(), u8{0xff});
    for (const u32 msr : x86::switched_msrs)
        pass_through(map, msr);
}

}  // namespace hv::svm
