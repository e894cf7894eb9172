// RDMSR and WRMSR: which registers a guest has, and what they answer.
#include <algorithm>
#include <domains/exits.hpp>
#include <domains/household.hpp>
#include <domains/shared_info.hpp>
#include <x86/bits.hpp>
#include <x86/msr.hpp>

namespace hv {
namespace {

constexpr u32 hypercall_page_msr = 0x40000000;  ///< as Xen's CPUID leaf 2 tells the guest

/// The MTRR that `msr` names: its place in Vcpu::mtrr, or nullptr.
u64* find_mtrr(MtrrState& mtrr, u32 msr) {
    if (msr == x86::IA32_MTRR_DEF_TYPE)
        return &mtrr.default_type;
    if (msr >= x86::IA32_MTRR_PHYSBASE0 && msr < x86::IA32_MTRR_PHYSBASE0 + mtrr.variable.size())
        return &mtrr.variable[msr - x86::IA32_MTRR_PHYSBASE0];
    if (msr == x86::IA32_MTRR_FIX64K_00000)
        return &mtrr.fixed[0];
    if (msr == x86::IA32_MTRR_FIX16K_80000 || msr == x86::IA32_MTRR_FIX16K_A0000)
        return &mtrr.fixed[msr - x86::IA32_MTRR_FIX16K_80000 + 1];
    if (msr >= x86::IA32_MTRR_FIX4K_C0000 && msr <= x86::IA32_MTRR_FIX4K_F8000)
        return &mtrr.fixed[msr - x86::IA32_MTRR_FIX4K_C0000 + 3];
    return nullptr;
}

/// True for what an MTRR can hold: memory types that exist, and no reserved bit.
bool good_mtrr(u32 msr, u64 value) {
    constexpr auto exists = [](u64 type) { return type < 2 || (type > 3 && type < 7); };
    if (msr == x86::IA32_MTRR_DEF_TYPE)
        return (value & ~0xcffull) == 0 && exists(value & 0xff);
    if (msr < x86::IA32_MTRR_FIX64K_00000) {
        const bool is_mask = (msr - x86::IA32_MTRR_PHYSBASE0) % 2 != 0;
        return value >> 52 == 0 && (is_mask ? (value & 0x7ff) == 0 : exists(value & 0xfff));
    }
    for (unsigned shift = 0; shift < 64; shift += 8)
        if (!exists(value >> shift & 0xff))
            return false;
    return true;
}

/// Registers that a kernel reads to learn of quirks, and finds quiet here.
constexpr u32 quiet_registers[] = {
    x86::IA32_PLATFORM_ID, x86::IA32_BIOS_SIGN_ID, x86::IA32_MCG_CAP,
    x86::IA32_MCG_STATUS,  x86::IA32_MISC_ENABLE,  x86::IA32_DEBUGCTL,
    x86::AMD_SYSCFG,       x86::AMD_HWCR,          x86::MSR_MISC_FEATURES_ENABLES,
    x86::AMD_INT_PENDING,  x86::AMD_TSEG_BASE,     x86::AMD_NB_CFG,
};

bool reads_as_zero(u32 msr) {
    return std::ranges::find(quiet_registers, msr) != std::end(quiet_registers);
}

/// Registers whose writes a kernel does without harm, and without effect here.
bool write_vanishes(u32 msr) { return reads_as_zero(msr) || msr == x86::IA32_BIOS_UPDT_TRIG; }

constexpr u64 mtrr_capabilities = 0x508;  // eight variable ranges, fixed ranges, write combining

Result<u64> read(Vcpu& vcpu, u32 msr) {
    if (msr >= x86::IA32_X2APIC_FIRST && msr <= x86::IA32_X2APIC_LAST)
        return vcpu.apic.read_msr(msr);
    switch (msr) {
    case x86::IA32_APIC_BASE: return vcpu.apic.base();
    case x86::IA32_TIME_STAMP_COUNTER:
        return vcpu.domain.machine.clock.ticks() + vcpu.hardware.tsc_offset;
    case x86::IA32_MTRRCAP: return mtrr_capabilities;
    default: break;
    }
    if (const u64* mtrr = find_mtrr(vcpu.mtrr, msr))
        return *mtrr;
    if (reads_as_zero(msr))
        return u64{0};
    return vcpu.domain.machine.engine->read_msr(vcpu.hardware, msr);
}

/// The guest names a page of its own, and finds the hypercalls in it. What is shared with it takes
/// the layout of the code that asks.
Result<> set_up_hypercalls(Vcpu& vcpu, u64 address) {
    if (address & page_mask)
        return Error{XEN_EINVAL};
    TRY(show_hypercall_page(vcpu.domain, frame_of(Gpa{address})));
    x86::CpuState state;
    vcpu.domain.machine.engine->read_state(vcpu.hardware, state);
    latch_width(vcpu.domain, (state.efer & x86::EFER_LMA) != 0 && state.cs.long_code());
    return {};
}

Result<> write(Vcpu& vcpu, u32 msr, u64 value) {
    if (msr >= x86::IA32_X2APIC_FIRST && msr <= x86::IA32_X2APIC_LAST)
        return vcpu.apic.write_msr(msr, value);
    switch (msr) {
    case x86::IA32_APIC_BASE: return vcpu.apic.set_base(value);
    case x86::IA32_TIME_STAMP_COUNTER:
        vcpu.hardware.tsc_offset = value - vcpu.domain.machine.clock.ticks();
        vcpu.hardware.changes |= x86::change_settings;
        show_time(vcpu);
        return {};
    case hypercall_page_msr: return set_up_hypercalls(vcpu, value);
    case x86::IA32_MTRRCAP: return Error{XEN_EINVAL};
    default: break;
    }
    if (u64* mtrr = find_mtrr(vcpu.mtrr, msr)) {
        if (!good_mtrr(msr, value))
            return Error{XEN_EINVAL};
        *mtrr = value;
        return {};
    }
    if (write_vanishes(msr))
        return {};
    return vcpu.domain.machine.engine->write_msr(vcpu.hardware, msr, value);
}

}  // namespace

Outcome answer_read_msr(Vcpu& vcpu) {
    x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const Result<u64> value = read(vcpu, static_cast<u32>(gpr.rcx));
    if (!value.ok())
        return Outcome::general_protection;
    gpr.rax = static_cast<u32>(*value);
    gpr.rdx = *value >> 32;
    return Outcome::complete;
}

Outcome answer_write_msr(Vcpu& vcpu) {
    const x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    const u64 value = gpr.rdx << 32 | static_cast<u32>(gpr.rax);
    return write(vcpu, static_cast<u32>(gpr.rcx), value).ok() ? Outcome::complete
                                                              : Outcome::general_protection;
}

}  // namespace hv
