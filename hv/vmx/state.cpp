// A vCPU's whole state, out of its VMCS and into it.
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/masks.hpp>
#include <vmx/operations.hpp>

namespace hv::vmx {

namespace {

/// The eight segment registers in the order in which the VMCS numbers them.
constexpr x86::Segment CpuState::*segments[] = {
    &CpuState::es, &CpuState::cs, &CpuState::ss,   &CpuState::ds,
    &CpuState::fs, &CpuState::gs, &CpuState::ldtr, &CpuState::tr,
};

x86::Segment read_segment(unsigned index) {
    return {.selector = static_cast<u16>(vmread(Field::GUEST_ES_SELECTOR + index)),
            .attributes = static_cast<u32>(vmread(Field::GUEST_ES_ACCESS_RIGHTS + index)),
            .limit = static_cast<u32>(vmread(Field::GUEST_ES_LIMIT + index)),
            .base = vmread(Field::GUEST_ES_BASE + index)};
}

void write_segment(unsigned index, const x86::Segment& segment) {
    vmwrite(Field::GUEST_ES_SELECTOR + index, segment.selector);
    vmwrite(Field::GUEST_ES_ACCESS_RIGHTS + index, segment.attributes);
    vmwrite(Field::GUEST_ES_LIMIT + index, segment.limit);
    vmwrite(Field::GUEST_ES_BASE + index, segment.base);
}

void read_tables(CpuState& state) {
    state.gdtr.base = vmread(Field::GUEST_GDTR_BASE);
    state.gdtr.limit = static_cast<u32>(vmread(Field::GUEST_GDTR_LIMIT));
    state.idtr.base = vmread(Field::GUEST_IDTR_BASE);
    state.idtr.limit = static_cast<u32>(vmread(Field::GUEST_IDTR_LIMIT));
    for (unsigned i = 0; i < 8; ++i)
        state.*segments[i] = read_segment(i);
}

void write_tables(const CpuState& state) {
    vmwrite(Field::GUEST_GDTR_BASE, state.gdtr.base);
    vmwrite(Field::GUEST_GDTR_LIMIT, state.gdtr.limit);
    vmwrite(Field::GUEST_IDTR_BASE, state.idtr.base);
    vmwrite(Field::GUEST_IDTR_LIMIT, state.idtr.limit);
    for (unsigned i = 0; i < 8; ++i)
        write_segment(i, state.*segments[i]);
}

/// CR0, CR4 and EFER decide together what mode the guest is in.
void write_control_registers(const CpuState& state) {
    vmwrite(Field::GUEST_CR0, real_cr0(state.cr0));
    vmwrite(Field::CR0_READ_SHADOW, state.cr0);
    vmwrite(Field::GUEST_CR3, state.cr3);
    vmwrite(Field::GUEST_CR4, real_cr4(state.cr4));
    vmwrite(Field::CR4_READ_SHADOW, state.cr4);
    vmwrite(Field::GUEST_IA32_EFER, state.efer);
    const u64 entry = vmread(Field::VM_ENTRY_CONTROLS) & ~static_cast<u64>(ENTRY_IA32E_GUEST);
    const bool long_mode = state.efer & x86::EFER_LMA;
    vmwrite(Field::VM_ENTRY_CONTROLS, long_mode ? entry | ENTRY_IA32E_GUEST : entry);
}

void write_execution(const CpuState& state) {
    constexpr u64 flags = 0x3f7fd7;  // all that exist
    vmwrite(Field::GUEST_RIP, state.rip);
    vmwrite(Field::GUEST_RSP, state.rsp);
    vmwrite(Field::GUEST_RFLAGS, (state.rflags & flags) | x86::RFLAGS_FIXED);
    vmwrite(Field::GUEST_DR7, (state.dr7 & 0xffffffff) | 0x400);
    vmwrite(Field::GUEST_INTERRUPTIBILITY_STATE, 0);
    vmwrite(Field::GUEST_ACTIVITY_STATE, 0);
    vmwrite(Field::GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
    vmwrite(Field::VM_ENTRY_INTERRUPTION_INFORMATION, 0);
    vmwrite(Field::GUEST_IA32_PAT, state.pat);
    vmwrite(Field::GUEST_IA32_SYSENTER_CS, state.sysenter_cs);
    vmwrite(Field::GUEST_IA32_SYSENTER_ESP, state.sysenter_esp);
    vmwrite(Field::GUEST_IA32_SYSENTER_EIP, state.sysenter_eip);
}

// The order is that of hand_switched_msrs.
constexpr u64 CpuState::*hand_switched[] = {
    &CpuState::star,         &CpuState::lstar,          &CpuState::cstar,
    &CpuState::syscall_mask, &CpuState::kernel_gs_base,
};
static_assert(sizeof hand_switched / sizeof hand_switched[0] == hand_switched_count);

/// Paging with PAE outside long mode: the CPU wants four entries that lie in the guest's memory.
bool needs_directory_pointers(const CpuState& state) {
    return (state.cr0 & x86::CR0_PG) && (state.cr4 & x86::CR4_PAE) && !(state.efer & x86::EFER_LMA);
}

}  // namespace

void read_state(VirtualCpu& vcpu, CpuState& state) {
    Loaded loaded{vcpu};
    Companion& own = companion(vcpu);
    if (loaded.arrived())
        save_by_hand(vcpu);

    state.rip = vmread(Field::GUEST_RIP);
    state.rsp = vmread(Field::GUEST_RSP);
    state.rflags = vmread(Field::GUEST_RFLAGS);
    state.cr0 = current_guest_cr0();
    state.cr2 = own.cr2;
    state.cr3 = vmread(Field::GUEST_CR3);
    state.cr4 = current_guest_cr4();
    state.efer = vmread(Field::GUEST_IA32_EFER);
    read_tables(state);
    state.dr6 = own.dr6;
    state.dr7 = vmread(Field::GUEST_DR7);
    for (size_t i = 0; i < hand_switched_count; ++i)
        state.*hand_switched[i] = own.msrs[i];
    state.sysenter_cs = vmread(Field::GUEST_IA32_SYSENTER_CS);
    state.sysenter_esp = vmread(Field::GUEST_IA32_SYSENTER_ESP);
    state.sysenter_eip = vmread(Field::GUEST_IA32_SYSENTER_EIP);
    state.pat = vmread(Field::GUEST_IA32_PAT);
}

Result<> write_state(VirtualCpu& vcpu, const CpuState& state) {
    if (needs_directory_pointers(state))
        return Error{XEN_EOPNOTSUPP};
    Loaded loaded{vcpu};
    Companion& own = companion(vcpu);
    write_control_registers(state);
    write_tables(state);
    write_execution(state);
    own.cr2 = state.cr2;
    own.dr6 = state.dr6;
    for (size_t i = 0; i < hand_switched_count; ++i)
        own.msrs[i] = state.*hand_switched[i];
    vcpu.engine_bits &= ~(bit_queued | bit_nmi_waiting);

    // Nothing that a pCPU still holds of the old state is good: its translations, its registers
    if (!loaded.arrived()) {
        vcpu.last_cpu = 0xffff;
        return {};
    }
    load_by_hand(vcpu);
    if (vcpu.tag != 0)
        invvpid_all();
    return {};
}

}  // namespace hv::vmx
