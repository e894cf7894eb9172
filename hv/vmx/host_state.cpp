// The host's half of a VMCS: what the pCPU is again after each exit.
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <x86/descriptors.hpp>
#include <x86/privileged.hpp>

extern "C" void vmx_world_switch_exit();

namespace hv::vmx {

namespace {

/// The base that a 16-byte TSS descriptor spells. Intel SDM, "TSS Descriptor in 64-bit mode".
u64 task_state_base(u64 gdt, u16 selector) {
    const u64* descriptor = reinterpret_cast<const u64*>(gdt + (selector & ~7u));
    const u64 low = descriptor[0], high = descriptor[1];
    return (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24 | high << 32;
}

/// Fields whose host has no use for them: the data segments are not used in 64-bit mode, and null
/// is a fine value.
constexpr Field zero_fields[] = {
    Field::HOST_ES_SELECTOR,       Field::HOST_DS_SELECTOR,        Field::HOST_FS_SELECTOR,
    Field::HOST_GS_SELECTOR,       Field::HOST_FS_BASE,            Field::HOST_IA32_SYSENTER_CS,
    Field::HOST_IA32_SYSENTER_ESP, Field::HOST_IA32_SYSENTER_EIP,
};

}  // namespace

void write_host_state() {
    vmwrite(Field::HOST_CR0, x86::read_cr0());
    vmwrite(Field::HOST_CR3, x86::read_cr3());
    vmwrite(Field::HOST_CR4, x86::read_cr4());
    vmwrite(Field::HOST_IA32_EFER, x86::read_msr(x86::IA32_EFER));
    vmwrite(Field::HOST_IA32_PAT, x86::read_msr(x86::IA32_PAT));

    const u64 gdt = x86::read_gdt().base;
    vmwrite(Field::HOST_CS_SELECTOR, x86::code_selector);
    vmwrite(Field::HOST_SS_SELECTOR, x86::data_selector);
    vmwrite(Field::HOST_TR_SELECTOR, x86::tss_selector);
    vmwrite(Field::HOST_TR_BASE, task_state_base(gdt, x86::tss_selector));
    vmwrite(Field::HOST_GS_BASE, x86::read_msr(x86::IA32_GS_BASE));
    vmwrite(Field::HOST_GDTR_BASE, gdt);
    vmwrite(Field::HOST_IDTR_BASE, x86::read_idt().base);
    for (const Field field : zero_fields)
        vmwrite(field, 0);
    vmwrite(Field::HOST_RIP, reinterpret_cast<u64>(&vmx_world_switch_exit));
}

}  // namespace hv::vmx
