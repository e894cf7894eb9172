// What this processor's SVM offers, judged; and the maps of the ports and MSRs that make a guest
// exit.
#pragma once

#include <span>
#include <x86/engine.hpp>

namespace hv::svm {

/// CPUID 8000_000A's EDX. Source: AMD64 APM volume 3, "Function 8000_000Ah - SVM Features".
enum SvmFeatureBits : u32 {
    SVM_NP = 1u << 0,            ///< nested paging
    SVM_LOCK = 1u << 2,          ///< VM_CR.LOCK can hold SVM off
    SVM_PAUSE_FILTER = 1u << 10,
};

/// What bears on SVM, as read on one pCPU.
struct Offer {
    bool svm = false;       ///< CPUID 8000_0001:ECX.SVM
    u32 features = 0;       ///< CPUID 8000_000A:EDX, SvmFeatureBits
    u32 asids = 0;          ///< CPUID 8000_000A:EBX: how many, the host's 0 included
    u64 vm_cr = 0;          ///< the MSR VM_CR; 0 where there is no SVM
    bool pages_1g = false;  ///< CPUID 8000_0001:EDX.Page1GB: the nested tables have it too
};

/// Reads what this pCPU offers. Any pCPU; hosted, nothing is offered.
Offer read_offer();

/// Judges an offer: what can be used of it, or XEN_ENODEV with `*why` a sentence for a person.
Result<x86::EngineCapabilities> judge(const Offer& offer, const char** why);

inline constexpr size_t io_map_bytes = 3 * page_size;
inline constexpr size_t msr_map_bytes = 2 * page_size;

/// Fills the I/O permission map: every port exits.
void fill_io_map(std::span<u8, io_map_bytes> map);

/// Fills the MSR permission map: every MSR exits, for reading and for writing, except
/// x86::switched_msrs. EFER exits so that its guest neither sees nor clears SVME; PAT, because not
/// every CPU that we run on exchanges it.
void fill_msr_map(std::span<u8, msr_map_bytes> map);

}  // namespace hv::svm
