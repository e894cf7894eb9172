// Which MSRs a guest may touch without an exit.
#include <algorithm>
#include <vmx/bitmaps.hpp>
#include <x86/msr.hpp>

namespace hv::vmx {

namespace {

/// Kept by the VMCS, but for the last six, which change hands with the vCPU.
constexpr u32 guests_own[] = {
    x86::IA32_SYSENTER_CS, x86::IA32_SYSENTER_ESP, x86::IA32_SYSENTER_EIP,   x86::IA32_PAT,
    x86::IA32_EFER,        x86::IA32_FS_BASE,      x86::IA32_GS_BASE,        x86::IA32_STAR,
    x86::IA32_LSTAR,       x86::IA32_CSTAR,        x86::IA32_FMASK,
    x86::IA32_KERNEL_GS_BASE, x86::IA32_TSC_AUX,
};

/// x2APIC registers, as MSRs: offset in the page / 16.
constexpr u32 apic_msr(u32 offset) { return x86::IA32_X2APIC_FIRST + offset / 16; }
constexpr u32 apic_task_priority = apic_msr(0x080), apic_processor_priority = apic_msr(0x0a0);
constexpr u32 apic_end_of_interrupt = apic_msr(0x0b0), apic_self_ipi = apic_msr(0x3f0);
constexpr u32 apic_first_in_service = apic_msr(0x100), apic_last_request = apic_msr(0x270);

/// Four kilobytes' quarters are reads low, reads high, writes low, writes high.
void pass(std::span<u8, page_size> bitmap, u32 msr, bool write) {
    const size_t quarter = (write ? 2 : 0) + (msr >= 0xc0000000 ? 1 : 0);
    const size_t bit = quarter * 8 * 1024 + (msr & 0x1fff);
    bitmap[bit / 8] &= static_cast<u8>(~(1u << bit % 8));
}

}  // namespace

void fill_msr_bitmap(std::span<u8, page_size> bitmap, bool virtual_apic) {
    std::fill(bitmap.begin(), bitmap.end(), static_cast<u8>(0xff));
    for (u32 msr : guests_own) {
        pass(bitmap, msr, false);
        pass(bitmap, msr, true);
    }
    if (!virtual_apic)
        return;
    pass(bitmap, apic_task_priority, false);
    pass(bitmap, apic_processor_priority, false);
    for (u32 msr = apic_first_in_service; msr <= apic_last_request; ++msr)
        pass(bitmap, msr, false);
    for (u32 msr : {apic_task_priority, apic_end_of_interrupt, apic_self_ipi})
        pass(bitmap, msr, true);
}

}  // namespace hv::vmx
