// The CPU as a domain sees it: what is taken from the host's CPUID, and what is left out.
#include <boot/machine.hpp>
#include <domains/domain.hpp>
#include <domains/policy.hpp>
#include <xen/arch-x86/cpuid.h>

namespace hv {
namespace {

// Bits by their place in Intel's and AMD's CPUID tables; what is not named here is not offered
constexpr u32 bits(std::initializer_list<unsigned> places) {
    u32 all = 0;
    for (unsigned place : places)
        all |= 1u << place;
    return all;
}

// Leaf 1, ECX: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 x2APIC MOVBE POPCNT AES XSAVE AVX F16C
// RDRAND
constexpr u32 leaf1_ecx = bits({0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 26, 28, 29, 30});
constexpr u32 x2apic = bits({21}), xsave = bits({26}), osxsave = bits({27});
constexpr u32 hypervisor = bits({31});
// Leaf 1, EDX: all but DS, ACPI thermal, HTT, TM, IA64 and PBE
constexpr u32 leaf1_edx = ~bits({21, 22, 28, 29, 30, 31});
// Leaf 7, EBX: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS INVPCID AVX512* RDSEED ADX SMAP CLFLUSHOPT CLWB
// SHA
constexpr u32 leaf7_ebx =
    bits({0, 3, 5, 7, 8, 9, 10, 16, 17, 18, 19, 20, 21, 23, 24, 28, 29, 30, 31});
// Leaf 7, ECX: UMIP, VAES, VPCLMUL and the AVX-512 pieces; EDX: fast short REP MOV
constexpr u32 leaf7_ecx = bits({1, 2, 6, 8, 9, 10, 11, 12, 14});
constexpr u32 leaf7_edx = bits({4});
// Leaf 0x80000001, ECX: LAHF CR8 LZCNT SSE4A MISALIGN PREFETCHW XOP FMA4 TBM
constexpr u32 extended1_ecx = bits({0, 4, 5, 6, 7, 8, 11, 16, 21});
// Leaf 0x80000001, EDX: all of leaf 1's common bits and SYSCALL NX MMXEXT FXSR FFXSR 1G LM 3DNOW,
// without RDTSCP
constexpr u32 extended1_edx = ~bits({27});

/// The states whose registers we switch: x87, SSE, AVX, and AVX-512's three.
constexpr u64 switched_states = 0b11100111;

/// Leaves that depend on the vCPU, or on a subleaf.
constexpr u64 special_leaves = 1ull << 1 | 1ull << 4 | 1ull << 7 | 1ull << 0xb | 1ull << 0xd;

}  // namespace

void CpuPolicy::take_basic() {
    const u32 last = std::min(x86::cpuid(0).eax, basic_leaves - 1);
    for (u32 leaf = 0; leaf <= last; ++leaf)
        basic_[leaf] = x86::cpuid(leaf);
    basic_[0].eax = last;
    basic_[1].ebx &= 0x0000ff00;  // CLFLUSH's size; the APIC id is the vCPU's
    basic_[1].ecx = (basic_[1].ecx & leaf1_ecx) | x2apic | hypervisor;
    basic_[1].edx &= leaf1_edx;
    for (const u32 absent : {3u, 5u, 6u, 8u, 9u, 10u, 12u})  // power, counters: not offered
        basic_[absent] = {};
    basic_[7] = {0, basic_[7].ebx & leaf7_ebx, basic_[7].ecx & leaf7_ecx,
                 basic_[7].edx & leaf7_edx};

    // Each vCPU is a core of its own, and shares no cache
    for (u32 i = 0; i < cache_subleaves; ++i) {
        cache_[i] = last >= 4 ? x86::cpuid(4, i) : CpuidLeaf{};
        cache_[i].eax &= 0x3fff;
        if ((cache_[i].eax & 0x1f) == 0)
            break;
    }
}

void CpuPolicy::take_xstate() {
    if (basic_[0].eax < 0xd || !(basic_[1].ecx & xsave))
        return;
    const CpuidLeaf host = x86::cpuid(0xd, 0);
    u64 offered = (u64{host.edx} << 32 | host.eax) & switched_states;
    // AVX-512 stands on AVX, and its three states go together
    if ((offered & 0b11100100) != 0b11100100)
        offered &= 0b111;
    xstate_[0].eax = static_cast<u32>(offered);
    for (u32 state = 2; state < 32; ++state)
        if (offered >> state & 1)
            xstate_[state] = x86::cpuid(0xd, state);
    xstate_[0].ecx = xsave_bytes(offered, XsaveFormat::standard);
    xstate_[1].eax = x86::cpuid(0xd, 1).eax & 0b0111;  // XSAVEOPT, XSAVEC, XGETBV(1); no supervisor
                                                       // states
    if (!(offered & 0b100)) {
        basic_[1].ecx &= ~bits({12, 28, 29});  // no AVX, and what is made of it
        basic_[7].ebx &= ~bits({5});
    }
    if (!(offered & 0b11100000))
        basic_[7].ebx &= ~bits({16, 17, 21, 28, 30, 31});
}

void CpuPolicy::take_extended() {
    const u32 last = std::min(x86::cpuid(0x80000000).eax, 0x80000000 + extended_leaves - 1);
    if (last < 0x80000000)
        return;
    for (u32 leaf = 0x80000000; leaf <= last; ++leaf)
        extended_[leaf & 0xf] = x86::cpuid(leaf);
    extended_[0].eax = last;
    extended_[1].ecx &= extended1_ecx;
    extended_[1].edx &= extended1_edx;
    extended_[7] = {};          // no invariant TSC is promised: a migration may change its rate
    extended_[8].ebx = 0;
    extended_[8].ecx = 0;       // one thread to a package
    extended_[8].edx = 0;
}

/// Xen's own leaves: public header arch-x86/cpuid.h.
void CpuPolicy::make_xen_leaves(Machine& machine, const Domain& domain) {
    xen_[0] = {0x40000000 + xen_leaves - 1, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
               XEN_CPUID_SIGNATURE_EDX};
    xen_[1] = {4u << 16 | 17, 0, 0, 0};
    xen_[2] = {1, 0x40000000, 0, 0};  // one hypercall page, and the MSR that asks for it
    xen_[4] = {XEN_HVM_CPUID_IOMMU_MAPPINGS | XEN_HVM_CPUID_VCPU_ID_PRESENT |
                   XEN_HVM_CPUID_DOMID_PRESENT | XEN_HVM_CPUID_UPCALL_VECTOR,
               0, domain.id, 0};
    const auto khz = static_cast<u32>(machine.clock.ticks_per_second / 1000);
    xen_time_[0] = {0, 2, khz, 0};    // the TSC is the CPU's own, never emulated
    xen_time_[1] = {static_cast<u32>(domain.tsc_offset), static_cast<u32>(domain.tsc_offset >> 32),
                    machine.clock.to_ns_multiplier, static_cast<u32>(machine.clock.to_ns_shift)};
    xen_time_[2] = {khz, 0, 0, 0};
}

void CpuPolicy::make_default(Machine& machine, Domain& domain) {
    take_basic();
    take_xstate();
    take_extended();
    make_xen_leaves(machine, domain);
}

u32 CpuPolicy::xsave_bytes(u64 xcr0, XsaveFormat format) const {
    u32 end = 512 + 64;
    for (u32 state = 2; state < 32; ++state) {
        const CpuidLeaf& area = xstate_[state];
        if (!(xcr0 >> state & 1))
            continue;
        if (format == XsaveFormat::standard)
            end = std::max(end, area.eax + area.ebx);
        else
            end = static_cast<u32>(align_up(end, area.ecx & 2 ? 64 : 1)) + area.eax;
    }
    return end;
}

CpuidLeaf CpuPolicy::per_vcpu(const Vcpu& vcpu, u32 leaf, u32 subleaf) const {
    CpuidLeaf found = basic_[leaf];
    switch (leaf) {
    case 1: {
        constexpr u64 cr4_osxsave = 1 << 18;
        auto& hardware = const_cast<x86::VirtualCpu&>(vcpu.hardware);
        if (vcpu.domain.machine.engine->paging_state(hardware).cr4() & cr4_osxsave)
            found.ecx |= osxsave;
        if (!vcpu.apic.enabled())
            found.edx &= ~bits({9});
        found.ebx |= vcpu.apic.id() << 24;
        return found;
    }
    case 4: return subleaf < cache_subleaves ? cache_[subleaf] : CpuidLeaf{};
    case 7: return subleaf == 0 ? found : CpuidLeaf{};
    case 0xb: return {0, 0, subleaf & 0xff, vcpu.apic.id()};
    default: {
        found = subleaf < subleaves ? xstate_[subleaf] : CpuidLeaf{};
        const u64 xcr0 = vcpu.fpu.xcr0(vcpu.domain.machine.fpu);
        if (subleaf == 0)
            found.ebx = xsave_bytes(xcr0, XsaveFormat::standard);
        else if (subleaf == 1)
            found.ebx = (xstate_[1].eax & 2) ? xsave_bytes(xcr0, XsaveFormat::compacted) : 0;
        return found;
    }
    }
}

CpuidLeaf CpuPolicy::look_up(const Vcpu& vcpu, u32 leaf, u32 subleaf) const {
    if (leaf < basic_leaves)
        return special_leaves >> leaf & 1 ? per_vcpu(vcpu, leaf, subleaf) : basic_[leaf];
    if (const u32 index = leaf - 0x80000000; index < extended_leaves)
        return extended_[index];
    switch (const u32 index = leaf - 0x40000000) {
    case 3: return subleaf < 3 ? xen_time_[subleaf] : CpuidLeaf{};
    case 4: return subleaf == 0 ? CpuidLeaf{xen_[4].eax, vcpu.id, xen_[4].ecx, 0} : CpuidLeaf{};
    default: return index < xen_leaves ? xen_[index] : CpuidLeaf{};
    }
}

}  // namespace hv
