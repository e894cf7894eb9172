// Model-specific registers: which can be read, which can be written, and what they say.
#include "ask.hpp"
#include "attempt.hpp"

namespace oracle {
namespace {

struct Register {
    u32 number;
    std::string_view name;
    bool steady = true;  ///< its value is the same under any hypervisor and at any time
};

constexpr Register registers[] = {
    {0x00, "P5_MC_ADDR"}, {0x01, "P5_MC_TYPE"}, {0x10, "TSC", false}, {0x17, "PLATFORM_ID"},
    {0x1b, "APIC_BASE"}, {0x2a, "EBL_CR_POWERON"}, {0x33, "TEST_CTRL"}, {0x34, "SMI_COUNT"},
    {0x3a, "FEATURE_CONTROL"}, {0x3b, "TSC_ADJUST"}, {0x48, "SPEC_CTRL"}, {0x49, "PRED_CMD"},
    {0x79, "BIOS_UPDT_TRIG"}, {0x8b, "BIOS_SIGN_ID"}, {0xc1, "PMC0"}, {0xce, "PLATFORM_INFO"},
    {0xcf, "CORE_CAPABILITIES"}, {0xe1, "UMWAIT_CONTROL"}, {0xe2, "PKG_CST_CONFIG_CONTROL"},
    {0xe7, "MPERF"}, {0xe8, "APERF"}, {0xfe, "MTRRCAP"}, {0x10a, "ARCH_CAPABILITIES"},
    {0x10b, "FLUSH_CMD"}, {0x119, "BBL_CR_CTL"}, {0x11e, "BBL_CR_CTL3"}, {0x122, "TSX_CTRL"},
    {0x140, "MISC_FEATURES_ENABLES"}, {0x174, "SYSENTER_CS"}, {0x175, "SYSENTER_ESP"},
    {0x176, "SYSENTER_EIP"}, {0x179, "MCG_CAP"}, {0x17a, "MCG_STATUS"}, {0x17b, "MCG_CTL"},
    {0x186, "PERFEVTSEL0"}, {0x198, "PERF_STATUS"}, {0x199, "PERF_CTL"},
    {0x19a, "CLOCK_MODULATION"}, {0x19b, "THERM_INTERRUPT"}, {0x19c, "THERM_STATUS"},
    {0x1a0, "MISC_ENABLE"}, {0x1a2, "TEMPERATURE_TARGET"}, {0x1a4, "MISC_FEATURE_CONTROL"},
    {0x1a6, "OFFCORE_RSP0"}, {0x1aa, "MISC_PWR_MGMT"}, {0x1ad, "TURBO_RATIO_LIMIT"},
    {0x1b0, "ENERGY_PERF_BIAS"}, {0x1c8, "LBR_SELECT"}, {0x1c9, "LASTBRANCH_TOS"},
    {0x1d9, "DEBUGCTL"}, {0x1db, "LASTBRANCHFROMIP"}, {0x1dd, "LASTINTFROMIP"},
    {0x200, "MTRR_PHYSBASE0"}, {0x201, "MTRR_PHYSMASK0"}, {0x20f, "MTRR_PHYSMASK7"},
    {0x210, "MTRR_PHYSBASE8"}, {0x250, "MTRR_FIX64K_00000"}, {0x258, "MTRR_FIX16K_80000"},
    {0x268, "MTRR_FIX4K_C0000"}, {0x277, "PAT"}, {0x280, "MC0_CTL2"}, {0x2ff, "MTRR_DEF_TYPE"},
    {0x345, "PERF_CAPABILITIES"}, {0x38d, "FIXED_CTR_CTRL"}, {0x38f, "PERF_GLOBAL_CTRL"},
    {0x3f1, "PEBS_ENABLE"}, {0x400, "MC0_CTL"}, {0x401, "MC0_STATUS"}, {0x480, "VMX_BASIC"},
    {0x48b, "VMX_PROCBASED_CTLS2"}, {0x4c1, "A_PMC0"}, {0x560, "RTIT_OUTPUT_BASE"},
    {0x570, "RTIT_CTL"}, {0x600, "DS_AREA"}, {0x606, "RAPL_POWER_UNIT"},
    {0x611, "PKG_ENERGY_STATUS"}, {0x6e0, "TSC_DEADLINE"}, {0x770, "PM_ENABLE"},
    {0xc80, "DEBUG_INTERFACE"}, {0xd90, "BNDCFGS"}, {0xda0, "XSS"},
    {0x40000000, "hypercall page"}, {0x40000001, "0x40000001"}, {0x40000010, "0x40000010"},
    {0x40000020, "0x40000020"}, {0x40000200, "0x40000200"}, {0x4b564d00, "KVM_WALL_CLOCK"},
    {0xc0000080, "EFER"}, {0xc0000081, "STAR"}, {0xc0000082, "LSTAR"}, {0xc0000083, "CSTAR"},
    {0xc0000084, "FMASK"}, {0xc0000100, "FS_BASE", false}, {0xc0000101, "GS_BASE"},
    {0xc0000102, "KERNEL_GS_BASE"}, {0xc0000103, "TSC_AUX"}, {0xc0000104, "TSC_RATIO"},
    {0xc0010000, "K7_EVNTSEL0"}, {0xc0010004, "K7_PERFCTR0"}, {0xc0010010, "SYSCFG"},
    {0xc0010015, "HWCR"}, {0xc0010016, "IORR_BASE0"}, {0xc001001a, "TOP_MEM"},
    {0xc001001d, "TOP_MEM2"}, {0xc001001f, "NB_CFG"}, {0xc0010020, "PATCH_LOADER"},
    {0xc0010055, "INT_PENDING"}, {0xc0010058, "MMIO_CFG_BASE"}, {0xc0010062, "PSTATE_CTRL"},
    {0xc0010063, "PSTATE_STATUS"}, {0xc0010064, "PSTATE_DEF"}, {0xc0010111, "SMM_BASE"},
    {0xc0010112, "TSEG_BASE"}, {0xc0010114, "VM_CR"}, {0xc0010117, "VM_HSAVE_PA"},
    {0xc001011f, "VIRT_SPEC_CTRL"}, {0xc0010140, "OSVW_ID_LENGTH"}, {0xc0010141, "OSVW_STATUS"},
    {0xc0010200, "PERF_CTL0"}, {0xc0011004, "CPUID_FEATURES1"}, {0xc0011020, "LS_CFG"},
    {0xc0011021, "IC_CFG"}, {0xc0011022, "DC_CFG"}, {0xc0011029, "DE_CFG"},
    {0xc001102c, "EX_CFG"}, {0xffffffff, "all ones"},
};

/// Their own value may be written back without harm, except for these.
bool write_is_harmless(u32 number) { return number != 0x10 && number != 0x40000000; }

void ask_about(const Register& one) {
    const Attempt got = try_rdmsr(one.number);
    tell("msrs.read", one.name, name_of(got));
    if (got.fine() && one.steady) tell("msrs.value", one.name, hex(got.value));
    if (!write_is_harmless(one.number)) return;
    tell("msrs.write back", one.name, name_of(try_wrmsr(one.number, got.value)));
}

struct Write {
    std::string_view name;
    u32 number;
    u64 value;
};

constexpr Write writes[] = {
    {"EFER, SVME", 0xc0000080, 0x1d01}, {"EFER without LME", 0xc0000080, 0x000},
    {"EFER, bit 63", 0xc0000080, 1ull << 63 | 0x500}, {"EFER, NX", 0xc0000080, 0xd00},
    {"EFER, as before", 0xc0000080, 0x500}, {"PAT, a type of 2", 0x277, 0x0007040600070402},
    {"PAT, a type of 8", 0x277, 0x0007040600070408}, {"PAT, as before", 0x277, 0x0007040600070406},
    {"LSTAR, not canonical", 0xc0000082, 1ull << 63}, {"LSTAR", 0xc0000082, 0x1000},
    {"GS_BASE, not canonical", 0xc0000101, 1ull << 63},
    {"KERNEL_GS_BASE, not canonical", 0xc0000102, 1ull << 63},
    {"SYSENTER_EIP, not canonical", 0x176, 1ull << 63}, {"STAR", 0xc0000081, 0x123456789},
    {"FMASK, above 32 bits", 0xc0000084, 1ull << 40}, {"TSC_AUX", 0xc0000103, 1},
    {"TSC_AUX, above 32 bits", 0xc0000103, 1ull << 32},
    {"MTRR_DEF_TYPE, type 2", 0x2ff, 0xc02}, {"MTRR_DEF_TYPE, bit 8", 0x2ff, 0xd06},
    {"MTRR_PHYSBASE0, type 2", 0x200, 2}, {"MTRR_PHYSBASE0, bit 63", 0x200, 1ull << 63},
    {"MTRR_FIX64K, types of 2", 0x250, 0x0202020202020202}, {"MTRRCAP", 0xfe, 0x508},
    {"APIC_BASE, moved", 0x1b, 0xfed00800}, {"APIC_BASE, bit 9", 0x1b, 0xfee00a00},
    {"APIC_BASE, x2APIC but off", 0x1b, 0xfee00400}, {"DEBUGCTL, LBR", 0x1d9, 1},
    {"DEBUGCTL, bit 2", 0x1d9, 4}, {"DEBUGCTL, none", 0x1d9, 0},
    {"MISC_ENABLE, all ones", 0x1a0, ~0ull}, {"SPEC_CTRL, IBRS", 0x48, 1},
    {"SPEC_CTRL, all ones", 0x48, ~0ull}, {"PRED_CMD, IBPB", 0x49, 1},
    {"PRED_CMD, all ones", 0x49, ~0ull}, {"XSS, bit 8", 0xda0, 1 << 8}, {"HWCR, 0", 0xc0010015, 0},
    {"HWCR, all ones", 0xc0010015, ~0ull}, {"FEATURE_CONTROL, 5", 0x3a, 5},
    {"BIOS_UPDT_TRIG", 0x79, 0}, {"MCG_STATUS, 0", 0x17a, 0}, {"MCG_STATUS, 1", 0x17a, 1},
    {"MC0_CTL, all ones", 0x400, ~0ull}, {"MC0_STATUS, 0", 0x401, 0}, {"MC0_STATUS, 1", 0x401, 1},
    {"hypercall page, unaligned", 0x40000000, 0x1001}, {"hypercall page, page 1", 0x40000000, 1},
    {"hypercall page without RAM", 0x40000000, 0x60000000},
    {"hypercall page at all ones", 0x40000000, ~0xfffull}, {"KVM_WALL_CLOCK", 0x4b564d00, 0},
    {"nothing there", 0x12345678, 0}, {"nothing there, all ones", 0x12345678, ~0ull},
};

/// Not asked: values that a CPU refuses and QEMU takes, to die of them at the next entry.
void ask_control_registers() {
    tell("registers.CR4, OSXSAVE", name_of(try_cr(4, 0x40620)));
    tell("registers.XCR0, 0", name_of(try_xsetbv(0, 0)));
    tell("registers.XCR0, x87", name_of(try_xsetbv(0, 1)));
    tell("registers.XCR0, SSE alone", name_of(try_xsetbv(0, 2)));
    tell("registers.XCR0, AVX without SSE", name_of(try_xsetbv(0, 5)));
    tell("registers.XCR0, all ones", name_of(try_xsetbv(0, ~0ull)));
    tell("registers.XCR1", name_of(try_xsetbv(1, 1)));
    tell("registers.CR4, as before", name_of(try_cr(4, 0x620)));
    tell("registers.CR8, 15", name_of(try_cr(8, 15)));
    tell("registers.CR8, 16", name_of(try_cr(8, 16)));
    tell("registers.CR8, 0", name_of(try_cr(8, 0)));
}

}  // namespace

void ask_msrs() {
    for (const Register& one : registers)
        ask_about(one);
    for (const Write& write : writes)
        tell("msrs.write", write.name, name_of(try_wrmsr(write.number, write.value)));
    for (u32 number = 0x800; number < 0x840; number++) {
        const Attempt got = try_rdmsr(number);
        tell("msrs.x2APIC's while it is off", words("{:x}", number), name_of(got));
    }
    ask_control_registers();
}

}  // namespace oracle
