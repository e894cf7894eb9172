// CPUID: Xen's own leaves, and what both hypervisors must show or hide of the CPU's.
#include "ask.hpp"

#include <kit/cpu.hpp>

namespace oracle {
namespace {

struct Bit {
    std::string_view name;
    unsigned number;
};

void tell_bits(std::string_view leaf, u32 value, std::span<const Bit> bits) {
    for (const Bit& bit : bits)
        tell(leaf, bit.name, (value >> bit.number & 1) != 0);
}

constexpr Bit leaf1_ecx[] = {
    {"SSE3", 0},    {"PCLMULQDQ", 1}, {"DTES64", 2}, {"MONITOR", 3}, {"VMX", 5},
    {"SSSE3", 9},   {"FMA", 12},      {"CX16", 13},  {"PDCM", 15},   {"PCID", 17},
    {"SSE4.1", 19}, {"SSE4.2", 20},   {"X2APIC", 21}, {"MOVBE", 22}, {"POPCNT", 23},
    {"TSC deadline", 24}, {"AES", 25}, {"XSAVE", 26}, {"OSXSAVE", 27}, {"AVX", 28},
    {"F16C", 29},   {"RDRAND", 30},   {"hypervisor", 31}};
constexpr Bit leaf1_edx[] = {
    {"FPU", 0}, {"VME", 1}, {"DE", 2}, {"PSE", 3}, {"TSC", 4}, {"MSR", 5}, {"PAE", 6},
    {"MCE", 7}, {"CX8", 8}, {"APIC", 9}, {"SEP", 11}, {"MTRR", 12}, {"PGE", 13}, {"MCA", 14},
    {"CMOV", 15}, {"PAT", 16}, {"PSE36", 17}, {"CLFLUSH", 19}, {"MMX", 23}, {"FXSR", 24},
    {"SSE", 25}, {"SSE2", 26}, {"HTT", 28}};
constexpr Bit leaf7_ebx[] = {
    {"FSGSBASE", 0}, {"TSC_ADJUST", 1}, {"BMI1", 3}, {"AVX2", 5}, {"SMEP", 7}, {"BMI2", 8},
    {"ERMS", 9}, {"INVPCID", 10}, {"MPX", 14}, {"RDSEED", 18}, {"ADX", 19}, {"SMAP", 20},
    {"CLFLUSHOPT", 23}, {"CLWB", 24}, {"SHA", 29}};
constexpr Bit leaf7_ecx[] = {{"UMIP", 2}, {"PKU", 3}, {"LA57", 16}, {"RDPID", 22}};
constexpr Bit extended1_ecx[] = {
    {"LAHF", 0}, {"CMP_LEGACY", 1}, {"SVM", 2}, {"CR8", 4}, {"ABM", 5}, {"SSE4A", 6},
    {"MISALIGNSSE", 7}, {"3DNOWPREFETCH", 8}, {"OSVW", 9}, {"IBS", 10}, {"SKINIT", 12},
    {"WDT", 13}, {"TOPOEXT", 22}, {"PERFCTR", 23}, {"MWAITX", 29}};
constexpr Bit extended1_edx[] = {
    {"SYSCALL", 11}, {"NX", 20}, {"MMXEXT", 22}, {"FFXSR", 25}, {"1G pages", 26},
    {"RDTSCP", 27}, {"LM", 29}};

/// Xen's leaves (xen/arch-x86/cpuid.h).
void ask_xen_leaves() {
    const u32 base = xen_cpuid_base();
    tell("cpuid.xen: base", hex(base));
    tell("cpuid.xen: last leaf", hex(cpuid(base).eax));
    tell("cpuid.xen: version", hex(cpuid(base + 1).eax));
    const auto pages = cpuid(base + 2);
    tell("cpuid.xen: hypercall pages", pages.eax);
    tell("cpuid.xen: hypercall MSR", hex(pages.ebx));
    tell("cpuid.xen: leaf 2, ECX EDX", hex(u64{pages.ecx} << 32 | pages.edx));
    const auto time = cpuid(base + 3, 0);
    tell("cpuid.xen: time, flags", hex(time.eax));
    tell("cpuid.xen: time, mode", time.ebx);
    tell("cpuid.xen: time, kHz", time.ecx != 0);
    tell("cpuid.xen: time, incarnation", time.edx);
    const auto scale = cpuid(base + 3, 1);
    tell("cpuid.xen: time, multiplier", scale.ecx != 0);
    tell("cpuid.xen: host kHz", cpuid(base + 3, 2).eax != 0);
    tell("cpuid.xen: time, subleaf 3", hex(cpuid(base + 3, 3).eax));
    const auto features = cpuid(base + 4, 0);
    tell("cpuid.xen: features", hex(features.eax));
    tell("cpuid.xen: vCPU id", features.ebx);
    tell("cpuid.xen: domain id is no dom0's", features.ecx != 0);
    tell("cpuid.xen: features, EDX", hex(features.edx));
    tell("cpuid.xen: features, subleaf 1", hex(cpuid(base + 4, 1).eax));
    for (u32 leaf = 5; leaf < 8; leaf++) {
        const auto got = cpuid(base + leaf);
        tell("cpuid.xen: EAX of leaf", words("{}", leaf), hex(got.eax));
        tell("cpuid.xen: EBX of leaf", words("{}", leaf), hex(got.ebx));
    }
    tell("cpuid.xen: leaf 0x100", hex(cpuid(base + 0x100).eax));
}

}  // namespace

void ask_cpuid() {
    ask_xen_leaves();
    const auto leaf0 = cpuid(0), leaf1 = cpuid(1), leaf7 = cpuid(7);
    tell("cpuid.vendor: EBX", hex(leaf0.ebx));
    tell("cpuid.last basic leaf", hex(leaf0.eax));
    tell("cpuid.signature", hex(leaf1.eax));
    tell("cpuid.APIC id", leaf1.ebx >> 24);
    tell("cpuid.logical processors", leaf1.ebx >> 16 & 0xff);
    tell("cpuid.CLFLUSH size", leaf1.ebx >> 8 & 0xff);
    tell_bits("cpuid.has", leaf1.ecx, leaf1_ecx);
    tell_bits("cpuid.has", leaf1.edx, leaf1_edx);
    tell_bits("cpuid.has", leaf7.ebx, leaf7_ebx);
    tell_bits("cpuid.has", leaf7.ecx, leaf7_ecx);
    tell("cpuid.leaf 7: EDX", hex(leaf7.edx));
    for (const u32 leaf : {2u, 3u, 5u, 6u, 9u, 0xau, 0xcu, 0xfu, 0x10u, 0x14u, 0x20u}) {
        const auto got = cpuid(leaf);
        tell("cpuid.zeros", words("leaf {}", leaf), (got.eax | got.ebx | got.ecx | got.edx) == 0);
    }
    for (u32 subleaf = 0; subleaf < 3; subleaf++) {
        const auto got = cpuid(0xb, subleaf);
        tell("cpuid.topology, EAX", words("{}", subleaf), hex(got.eax));
        tell("cpuid.topology, EBX", words("{}", subleaf), hex(got.ebx));
        tell("cpuid.topology, ECX", words("{}", subleaf), hex(got.ecx));
        tell("cpuid.topology, EDX", words("{}", subleaf), hex(got.edx));
    }
    const auto states = cpuid(0xd, 0);
    tell("cpuid.XSAVE: states", hex(states.eax));
    tell("cpuid.XSAVE: bytes", states.ecx);
    tell("cpuid.XSAVE: forms", hex(cpuid(0xd, 1).eax));
    tell("cpuid.last extended leaf", hex(cpuid(0x80000000).eax));
    tell_bits("cpuid.has", cpuid(0x80000001).ecx, extended1_ecx);
    tell_bits("cpuid.has", cpuid(0x80000001).edx, extended1_edx);
    tell("cpuid.power: EDX", hex(cpuid(0x80000007).edx));
    tell("cpuid.address sizes", hex(cpuid(0x80000008).eax));
    tell("cpuid.extended features", hex(cpuid(0x80000008).ebx));
    tell("cpuid.cores", hex(cpuid(0x80000008).ecx));
    tell("cpuid.SVM leaf: EAX", hex(cpuid(0x8000000a).eax));
    tell("cpuid.SVM leaf: EDX", hex(cpuid(0x8000000a).edx));
    tell("cpuid.beyond the basic leaves", hex(cpuid(0x100).eax));
    tell("cpuid.beyond the extended leaves", hex(cpuid(0x80000100).eax));
    tell("cpuid.0xc0000000", hex(cpuid(0xc0000000).eax));
}

}  // namespace oracle
