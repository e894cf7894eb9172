// Single registers of a vCPU, out of its VMCS and into it.
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/masks.hpp>
#include <vmx/operations.hpp>
#include <x86/privileged.hpp>

namespace hv::vmx {

namespace {

/// Where the VMCS keeps an MSR that the guest owns.
Result<Field> field_of_msr(u32 msr) {
    switch (msr) {
    case x86::IA32_EFER: return Field::GUEST_IA32_EFER;
    case x86::IA32_PAT: return Field::GUEST_IA32_PAT;
    case x86::IA32_FS_BASE: return Field::GUEST_FS_BASE;
    case x86::IA32_GS_BASE: return Field::GUEST_GS_BASE;
    case x86::IA32_SYSENTER_CS: return Field::GUEST_IA32_SYSENTER_CS;
    case x86::IA32_SYSENTER_ESP: return Field::GUEST_IA32_SYSENTER_ESP;
    case x86::IA32_SYSENTER_EIP: return Field::GUEST_IA32_SYSENTER_EIP;
    default: return Error{XEN_ENOENT};
    }
}

/// Where an MSR that changes hands with the vCPU is kept while it is on no pCPU.
Result<u64*> place_of_msr(VirtualCpu& vcpu, u32 msr) {
    for (size_t i = 0; i < hand_switched_count; ++i)
        if (hand_switched_msrs[i] == msr)
            return &companion(vcpu).msrs[i];
    if (msr == x86::IA32_TSC_AUX)
        return &vcpu.tsc_aux;
    return Error{XEN_ENOENT};
}

}  // namespace

u64 current_guest_cr0() {
    return believed(vmread(Field::GUEST_CR0), vmread(Field::CR0_READ_SHADOW), cr0_host_owned);
}

u64 current_guest_cr4() {
    return believed(vmread(Field::GUEST_CR4), vmread(Field::CR4_READ_SHADOW), cr4_host_owned);
}

x86::PagingState paging_state(VirtualCpu& vcpu) {
    Loaded loaded{vcpu};
    return {.cr0 = vmread(Field::GUEST_CR0),
            .cr3 = vmread(Field::GUEST_CR3),
            .cr4 = vmread(Field::GUEST_CR4),
            .efer = vmread(Field::GUEST_IA32_EFER),
            .privilege = static_cast<unsigned>(vmread(Field::GUEST_SS_ACCESS_RIGHTS) >> 5 & 3),
            .alignment_check = (vmread(Field::GUEST_RFLAGS) & x86::RFLAGS_AC) != 0};
}

u64 instruction_pointer(VirtualCpu& vcpu) {
    Loaded loaded{vcpu};
    return vmread(Field::GUEST_RIP);
}

void set_instruction_pointer(VirtualCpu& vcpu, u64 rip) {
    Loaded loaded{vcpu};
    vmwrite(Field::GUEST_RIP, rip);
}

u64 read_stack_pointer(VirtualCpu& vcpu) {
    Loaded loaded{vcpu};
    return vmread(Field::GUEST_RSP);
}

u64 read_control_register(VirtualCpu& vcpu, unsigned number) {
    Loaded loaded{vcpu};
    switch (number) {
    case 0: return current_guest_cr0();
    case 2: return loaded.arrived() ? x86::read_cr2() : companion(vcpu).cr2;
    case 3: return vmread(Field::GUEST_CR3);
    case 4: return current_guest_cr4();
    default: return 0;
    }
}

Result<> write_control_register(VirtualCpu&, unsigned, u64) {
    // The CPU itself writes CR0 and CR4 once the shadows agree (see attend.cpp). What is left over
    // asks for bits that this guest's CPU does not have
    return Error{XEN_EINVAL};
}

Result<u64> read_msr(VirtualCpu& vcpu, u32 msr) {
    Loaded loaded{vcpu};
    if (const Result<Field> field = field_of_msr(msr))
        return vmread(*field);
    const Result<u64*> place = place_of_msr(vcpu, msr);
    TRY(place);
    if (loaded.arrived())
        save_by_hand(vcpu);
    return **place;
}

Result<> write_msr(VirtualCpu& vcpu, u32 msr, u64 value) {
    Loaded loaded{vcpu};
    if (const Result<Field> field = field_of_msr(msr)) {
        vmwrite(*field, value);
        return {};
    }
    const Result<u64*> place = place_of_msr(vcpu, msr);
    TRY(place);
    **place = value;
    if (loaded.arrived())
        x86::write_msr(msr, value);
    else
        vcpu.last_cpu = 0xffff;  // no pCPU's old copy is good
    return {};
}

}  // namespace hv::vmx
