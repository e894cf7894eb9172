// CPUID: what the processor says of itself. The hosted twin's processor offers nothing.
#pragma once

#include <base/types.hpp>

namespace hv::x86 {

/// The four registers that CPUID fills.
struct CpuidLeaf {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};

inline CpuidLeaf cpuid([[maybe_unused]] u32 leaf, [[maybe_unused]] u32 subleaf = 0) {
    CpuidLeaf out;
#if !HV_HOSTED
    asm volatile("cpuid" : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx)
                 : "a"(leaf), "c"(subleaf));
#endif
    return out;
}

/// The same, or zeros where the processor has no such leaf (basic or extended).
inline CpuidLeaf cpuid_if_present(u32 leaf, u32 subleaf = 0) {
    return cpuid(leaf & 0x80000000).eax >= leaf ? cpuid(leaf, subleaf) : CpuidLeaf{};
}

}  // namespace hv::x86
