// What one pCPU keeps for SVM: eight frames in one piece, found through GS.
#pragma once

#include <svm/asids.hpp>
#include <svm/intercepts.hpp>

namespace hv::svm {

/// One pCPU's area. The two maps are the same for every guest and every pCPU, and are never given
/// back while the machine runs: a VMCB that was made here may use them anywhere.
struct alignas(page_size) HostArea {
    u8 hsave[page_size];           ///< VM_HSAVE_PA: the CPU's own, in a form that it does not tell
    Vmcb host;                     ///< the host's FS, GS, TR, LDTR and system-call MSRs
    u8 io_map[io_map_bytes];
    u8 msr_map[msr_map_bytes];
    alignas(page_size) Mpa address;///< of this area
    AsidPool asids;
    u32 features;                  ///< SvmFeatureBits

    Mpa hsave_address() const { return address + offsetof(HostArea, hsave); }
    Mpa host_vmcb_address() const { return address + offsetof(HostArea, host); }
    Mpa io_map_address() const { return address + offsetof(HostArea, io_map); }
    Mpa msr_map_address() const { return address + offsetof(HostArea, msr_map); }
};

inline constexpr u8 host_area_order = 3;
static_assert(sizeof(HostArea) == page_size << host_area_order);

/// The area of the pCPU that runs this code; after turn_on. Bare metal only.
inline HostArea& host_area() {
    HostArea* area;
    asm volatile("mov %%gs:%c1, %0" : "=r"(area) : "i"(x86::engine_area_slot));
    return *area;
}
inline void set_host_area(HostArea* area) {
    asm volatile("mov %0, %%gs:%c1" ::"r"(area), "i"(x86::engine_area_slot) : "memory");
}

}  // namespace hv::svm
