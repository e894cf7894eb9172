// Floating point, SSE and AVX state: how it is found, turned on, saved and loaded.
#include <x86/bits.hpp>
#include <x86/fpu.hpp>
#include <x86/privileged.hpp>

namespace hv::x86 {
namespace {

constexpr u64 wanted =
    XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_OPMASK | XCR0_ZMM_Hi256 | XCR0_Hi16_ZMM;

/// The end of a component in the standard (not compacted) layout.
u32 end_of_component(unsigned component) {
    const CpuidLeaf leaf = cpuid(0xd, component);
    return leaf.ebx + leaf.eax;
}

}  // namespace

FpuSupport find_fpu() {
    FpuSupport support;
    if (!(cpuid(1).ecx & 1 << 26))
        return support;
    support.xsave = true;
    support.components = cpuid(0xd).eax & wanted;
    // AVX-512 is all three parts or none
    constexpr u64 avx512 = XCR0_OPMASK | XCR0_ZMM_Hi256 | XCR0_Hi16_ZMM;
    if ((support.components & avx512) != avx512)
        support.components &= ~avx512;

    support.area_bytes = 512 + 64;
    for (unsigned component = 2; component < 8; ++component)
        if (support.components >> component & 1 && end_of_component(component) > support.area_bytes)
            support.area_bytes = end_of_component(component);
    return support;
}

void turn_on_fpu(const FpuSupport& support) {
    write_cr0((read_cr0() | CR0_MP | CR0_NE) & ~u64{CR0_EM | CR0_TS});
    u64 cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (support.xsave)
        cr4 |= CR4_OSXSAVE;
    write_cr4(cr4);
    if (support.xsave)
        write_xcr0(support.components);
}

void reset_fpu_area(u8* area) {
    // FCW and MXCSR are not zero after reset; a zero XSTATE_BV says the same of all the rest
    *reinterpret_cast<u16*>(area) = 0x37f;
    *reinterpret_cast<u32*>(area + 24) = 0x1f80;
}

void save_fpu(const FpuSupport& support, u8* area) {
    if (!support.xsave) {
        asm volatile("fxsave64 (%0)" ::"r"(area) : "memory");
        return;
    }
    write_xcr0(support.components);
    asm volatile("xsave64 (%0)" ::"r"(area), "a"(static_cast<u32>(support.components)), "d"(0)
                 : "memory");
}

void load_fpu(const FpuSupport& support, const u8* area, u64 xcr0) {
    if (!support.xsave) {
        asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
        return;
    }
    write_xcr0(support.components);
    asm volatile("xrstor64 (%0)" ::"r"(area), "a"(static_cast<u32>(support.components)), "d"(0)
                 : "memory");
    write_xcr0(xcr0);
}

}  // namespace hv::x86
