// A vCPU's registers, out of its VMCS and into it.
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/masks.hpp>
#include <vmx/operations.hpp>

namespace hv::vmx {

namespace {

/// The registers that a VMCS and a CpuState hold alike.
constexpr struct {
    Field field;
    u64 CpuState::*place;
} alike[] = {
    {Field::GUEST_RIP, &CpuState::rip},
    {Field::GUEST_RSP, &CpuState::rsp},
    {Field::GUEST_RFLAGS, &CpuState::rflags},
    {Field::GUEST_CR3, &CpuState::cr3},
    {Field::GUEST_IA32_EFER, &CpuState::efer},
    {Field::GUEST_DR7, &CpuState::dr7},
    {Field::GUEST_IA32_SYSENTER_CS, &CpuState::sysenter_cs},
    {Field::GUEST_IA32_SYSENTER_ESP, &CpuState::sysenter_esp},
    {Field::GUEST_IA32_SYSENTER_EIP, &CpuState::sysenter_eip},
    {Field::GUEST_IA32_PAT, &CpuState::pat},
};

/// The eight segment registers in the order in which the VMCS numbers them.
constexpr x86::Segment CpuState::*segments[] = {
    &CpuState::es, &CpuState::cs, &CpuState::ss,   &CpuState::ds,
    &CpuState::fs, &CpuState::gs, &CpuState::ldtr, &CpuState::tr,
};

/// GDTR and IDTR, likewise.
constexpr x86::DescriptorTable CpuState::*tables[] = {&CpuState::gdtr, &CpuState::idtr};

void read_tables(CpuState& state) {
    for (unsigned i = 0; i < std::size(segments); ++i)
        state.*segments[i] = {
            .selector = static_cast<u16>(vmread(Field::GUEST_ES_SELECTOR + i)),
            .attributes = static_cast<u32>(vmread(Field::GUEST_ES_ACCESS_RIGHTS + i)),
            .limit = static_cast<u32>(vmread(Field::GUEST_ES_LIMIT + i)),
            .base = vmread(Field::GUEST_ES_BASE + i)};
    for (unsigned i = 0; i < std::size(tables); ++i)
        state.*tables[i] = {.base = vmread(Field::GUEST_GDTR_BASE + i),
                            .limit = static_cast<u32>(vmread(Field::GUEST_GDTR_LIMIT + i))};
}

void write_tables(const CpuState& state) {
    for (unsigned i = 0; i < std::size(segments); ++i) {
        const x86::Segment& segment = state.*segments[i];
        vmwrite(Field::GUEST_ES_SELECTOR + i, segment.selector);
        vmwrite(Field::GUEST_ES_ACCESS_RIGHTS + i, segment.attributes);
        vmwrite(Field::GUEST_ES_LIMIT + i, segment.limit);
        vmwrite(Field::GUEST_ES_BASE + i, segment.base);
    }
    for (unsigned i = 0; i < std::size(tables); ++i) {
        vmwrite(Field::GUEST_GDTR_BASE + i, (state.*tables[i]).base);
        vmwrite(Field::GUEST_GDTR_LIMIT + i, (state.*tables[i]).limit);
    }
}

/// CR0, CR4 and EFER decide together what mode the guest is in.
void write_mode(const CpuState& state) {
    vmwrite(Field::GUEST_CR0, real_cr0(state.cr0));
    vmwrite(Field::CR0_READ_SHADOW, state.cr0);
    vmwrite(Field::GUEST_CR4, real_cr4(state.cr4));
    vmwrite(Field::CR4_READ_SHADOW, state.cr4);
    const u64 entry = vmread(Field::VM_ENTRY_CONTROLS) & ~static_cast<u64>(ENTRY_IA32E_GUEST);
    const bool long_mode = state.efer & x86::EFER_LMA;
    vmwrite(Field::VM_ENTRY_CONTROLS, long_mode ? entry | ENTRY_IA32E_GUEST : entry);
}

u64 believed_cr4() {
    return believed(vmread(Field::GUEST_CR4), vmread(Field::CR4_READ_SHADOW), cr4_host_owned);
}

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

    for (const auto& [field, place] : alike)
        state.*place = vmread(field);
    state.cr0 =
        believed(vmread(Field::GUEST_CR0), vmread(Field::CR0_READ_SHADOW), cr0_host_owned);
    state.cr4 = believed_cr4();
    read_tables(state);
    state.cr2 = own.cr2;
    state.dr6 = own.dr6;
    for (size_t i = 0; i < std::size(hand_switched); ++i)
        state.*hand_switched[i].place = own.msrs[i];
}

Result<> write_state(VirtualCpu& vcpu, const CpuState& state) {
    if (needs_directory_pointers(state))
        return Error{XEN_EOPNOTSUPP};
    Loaded loaded{vcpu};
    Companion& own = companion(vcpu);
    for (const auto& [field, place] : alike)
        vmwrite(field, state.*place);
    constexpr u64 flags = 0x3f7fd7;  // all that exist
    vmwrite(Field::GUEST_RFLAGS, (state.rflags & flags) | x86::RFLAGS_FIXED);
    vmwrite(Field::GUEST_DR7, (state.dr7 & 0xffffffff) | 0x400);
    write_mode(state);
    write_tables(state);
    for (const Field field : {Field::GUEST_INTERRUPTIBILITY_STATE, Field::GUEST_ACTIVITY_STATE,
                              Field::GUEST_PENDING_DEBUG_EXCEPTIONS,
                              Field::VM_ENTRY_INTERRUPTION_INFORMATION})
        vmwrite(field, 0);
    own.cr2 = state.cr2;
    own.dr6 = state.dr6;
    for (size_t i = 0; i < std::size(hand_switched); ++i)
        own.msrs[i] = state.*hand_switched[i].place;
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

x86::PagingState paging_state(VirtualCpu& vcpu) {
    Loaded loaded{vcpu};
    return {.cr0 = vmread(Field::GUEST_CR0),
            .cr3 = vmread(Field::GUEST_CR3),
            .cr4 = vmread(Field::GUEST_CR4),
            .efer = vmread(Field::GUEST_IA32_EFER),
            .privilege = static_cast<unsigned>(vmread(Field::GUEST_SS_ACCESS_RIGHTS) >> 5 & 3),
            .alignment_check = (vmread(Field::GUEST_RFLAGS) & x86::RFLAGS_AC) != 0};
}

void set_instruction_pointer(VirtualCpu& vcpu, u64 rip) {
    Loaded loaded{vcpu};
    vmwrite(Field::GUEST_RIP, rip);
}

u64 read_cr4(VirtualCpu& vcpu) {
    Loaded loaded{vcpu};
    return believed_cr4();
}

}  // namespace hv::vmx
