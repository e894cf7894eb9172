// The host's half of a VMCS: what the pCPU is again after each exit.
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <x86/privileged.hpp>

extern "C" void vmx_world_switch_exit();

namespace hv::vmx {

namespace {

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

TablePointer read_gdtr() {
    TablePointer pointer;
    asm volatile("sgdt %0" : "=m"(pointer));
    return pointer;
}

TablePointer read_idtr() {
    TablePointer pointer;
    asm volatile("sidt %0" : "=m"(pointer));
    return pointer;
}

/// The base that a 16-byte TSS descriptor spells. Intel SDM, "TSS Descriptor in 64-bit mode".
u64 task_state_base(u64 gdt, u16 selector) {
    const u64* descriptor = reinterpret_cast<const u64*>(gdt + (selector & ~7u));
    const u64 low = descriptor[0], high = descriptor[1];
    return (low >> 16 & 0xffffff) | (low >> 56 & 0xff) << 24 | high << 32;
}

void write_host_selectors() {
    u16 cs, ss;
    asm volatile("mov %%cs, %0" : "=r"(cs));
    asm volatile("mov %%ss, %0" : "=r"(ss));
    vmwrite(Field::HOST_CS_SELECTOR, cs);
    vmwrite(Field::HOST_SS_SELECTOR, ss);
    // The data segments are not used in 64-bit mode, and null is a fine value
    for (Field field : {Field::HOST_ES_SELECTOR, Field::HOST_DS_SELECTOR, Field::HOST_FS_SELECTOR,
                        Field::HOST_GS_SELECTOR})
        vmwrite(field, 0);
    vmwrite(Field::HOST_TR_SELECTOR, x86::read_tr());
}

}  // namespace

void write_host_state() {
    write_host_selectors();
    vmwrite(Field::HOST_CR0, x86::read_cr0());
    vmwrite(Field::HOST_CR3, x86::read_cr3());
    vmwrite(Field::HOST_CR4, x86::read_cr4());
    vmwrite(Field::HOST_IA32_EFER, x86::read_msr(x86::IA32_EFER));
    vmwrite(Field::HOST_IA32_PAT, x86::read_msr(x86::IA32_PAT));

    vmwrite(Field::HOST_FS_BASE, 0);
    vmwrite(Field::HOST_GS_BASE, x86::read_msr(x86::IA32_GS_BASE));
    const u64 gdt = read_gdtr().base;
    vmwrite(Field::HOST_GDTR_BASE, gdt);
    vmwrite(Field::HOST_IDTR_BASE, read_idtr().base);
    vmwrite(Field::HOST_TR_BASE, task_state_base(gdt, x86::read_tr()));

    vmwrite(Field::HOST_IA32_SYSENTER_CS, 0);
    vmwrite(Field::HOST_IA32_SYSENTER_ESP, 0);
    vmwrite(Field::HOST_IA32_SYSENTER_EIP, 0);
    vmwrite(Field::HOST_RIP, reinterpret_cast<u64>(&vmx_world_switch_exit));
}

}  // namespace hv::vmx
