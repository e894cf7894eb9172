// A vCPU's registers: what moves as it comes to a pCPU and leaves it, and all of them, out of its
// VMCS and into it.
#include <base/panic.hpp>
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/vmx.hpp>
#include <x86/msr.hpp>

namespace hv::vmx {

namespace {

using x86::CpuState;
using x86::VirtualCpu;

// Coming and leaving: a VMCS is active on one pCPU at most

/// IA32_TSC_AUX comes with RDTSCP.
bool has_tsc_aux() { return this_area().controls.secondary & SECONDARY_RDTSCP; }

/// A VPID that no other vCPU has used on this pCPU since the last flush: its translations are none.
void take_tag(VirtualCpu& vcpu, Area& area) {
    if (!(area.controls.secondary & SECONDARY_VPID))
        return;
    if (area.next_tag > 0xffff) {
        invvpid_all();
        area.next_tag = 1;
        ++area.generation;
    }
    vcpu.tag = area.next_tag++;
    vcpu.tag_generation = area.generation;
    vmwrite(Field::VPID, vcpu.tag);
}

/// What the last guest taught the branch predictors is not for the next one. IBPB, where offered.
void forget_branches(const Area& area) {
    if (area.has_branch_barrier)
        x86::write_msr(x86::IA32_PRED_CMD, 1);
}

/// What a VMCS holds of the pCPU it is on.
void move_in(VirtualCpu& vcpu, Area& area) {
    write_host_state();
    Companion& own = companion(vcpu);
    own.host_rsp = 0;
    vmwrite(Field::MSR_BITMAP_ADDRESS, area.bitmap_address(own.delivering));
    vmwrite(Field::VMX_PREEMPTION_TIMER_VALUE, area.timer_value);
    // Nested translations that this pCPU kept from an earlier visit may be stale
    vcpu.changes |= x86::change_translations;
}

/// MSRs that a guest uses freely and that neither VM entry nor VM exit switches.
constexpr struct {
    u32 msr;
    u64 CpuState::*place;
} hand_switched[] = {
    {x86::IA32_STAR, &CpuState::star},
    {x86::IA32_LSTAR, &CpuState::lstar},
    {x86::IA32_CSTAR, &CpuState::cstar},
    {x86::IA32_FMASK, &CpuState::syscall_mask},
    {x86::IA32_KERNEL_GS_BASE, &CpuState::kernel_gs_base},
};

/// Copies the hand-switched registers from the pCPU to the vCPU, or back.
void save_by_hand(VirtualCpu& vcpu) {
    CpuState& kept = companion(vcpu).by_hand;
#pragma GCC unroll 5
    for (const auto& [msr, place] : hand_switched)
        kept.*place = x86::read_msr(msr);
    if (has_tsc_aux())
        vcpu.tsc_aux = x86::read_msr(x86::IA32_TSC_AUX);
    kept.cr2 = x86::read_cr2();
    kept.dr6 = x86::read_dr6();
    x86::read_debug_addresses(vcpu.debug_addresses);
}

void load_by_hand(VirtualCpu& vcpu) {
    const CpuState& kept = companion(vcpu).by_hand;
#pragma GCC unroll 5
    for (const auto& [msr, place] : hand_switched)
        x86::write_msr(msr, kept.*place);
    if (has_tsc_aux())
        x86::write_msr(x86::IA32_TSC_AUX, vcpu.tsc_aux);
    x86::write_cr2(kept.cr2);
    x86::write_dr6(kept.dr6);
    x86::write_debug_addresses(vcpu.debug_addresses);
}

// Reading and writing

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

/// Paging with PAE outside long mode: the CPU wants four entries that lie in the guest's memory.
bool needs_directory_pointers(const CpuState& state) {
    return (state.cr0 & x86::CR0_PG) && (state.cr4 & x86::CR4_PAE) && !(state.efer & x86::EFER_LMA);
}

}  // namespace

void Engine::arrive(VirtualCpu& vcpu, u16 cpu) {
    Area& area = this_area();
    if (!vmptrld(vcpu.control_address))
        panic("VMPTRLD refused the VMCS at {:x}", vcpu.control_address);
    area.current = &vcpu;

    const bool moved = vcpu.last_cpu != cpu;
    if (moved)
        move_in(vcpu, area);
    if (moved || vcpu.tag_generation != area.generation)
        take_tag(vcpu, area);
    if (moved || area.resident != &vcpu) {
        load_by_hand(vcpu);
        forget_branches(area);
    }
    area.resident = &vcpu;
    vcpu.last_cpu = cpu;
}

void Engine::depart(VirtualCpu& vcpu) {
    Area& area = this_area();
    save_by_hand(vcpu);
    // Back to memory, so that any pCPU may load it
    if (!vmclear(vcpu.control_address))
        panic("VMCLEAR refused the VMCS at {:x}", vcpu.control_address);
    vcpu.engine_bits &= ~bit_launched;
    area.current = nullptr;
}

Loaded::Loaded(VirtualCpu& vcpu) : vcpu_{vcpu}, previous_{this_area().current} {
    if (arrived())
        return;
    if (!vmptrld(vcpu.control_address))
        panic("VMPTRLD refused the VMCS at {:x}", vcpu.control_address);
}

Loaded::~Loaded() {
    if (arrived())
        return;
    vmclear(vcpu_.control_address);
    if (previous_)
        vmptrld(previous_->control_address);
}

void vmwrite_failed(Field field, u64 value) {
    panic("VMWRITE of {:x} to field {:x} failed: error {}", value, static_cast<u32>(field),
          vmread(Field::VM_INSTRUCTION_ERROR));
}

void read_state(VirtualCpu& vcpu, CpuState& state) {
    Loaded loaded{vcpu};
    if (loaded.arrived())
        save_by_hand(vcpu);

    state = companion(vcpu).by_hand;
    for (const auto& [field, place] : alike)
        state.*place = vmread(field);
    state.cr0 =
        believed(vmread(Field::GUEST_CR0), vmread(Field::CR0_READ_SHADOW), cr0_host_owned);
    state.cr4 =
        believed(vmread(Field::GUEST_CR4), vmread(Field::CR4_READ_SHADOW), cr4_host_owned);
    read_tables(state);
}

Result<> write_state(VirtualCpu& vcpu, const CpuState& state) {
    if (needs_directory_pointers(state))
        return Error{XEN_EOPNOTSUPP};
    Loaded loaded{vcpu};
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
    companion(vcpu).by_hand = state;
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

namespace {

/// What the host owns of CR0 and CR4 has nothing to do with paging.
[[gnu::always_inline]] inline x86::PagingState current_paging_state() {
    return {vmread(Field::GUEST_CR0), vmread(Field::GUEST_CR3), vmread(Field::GUEST_CR4),
            vmread(Field::GUEST_IA32_EFER),
            static_cast<unsigned>(vmread(Field::GUEST_SS_ACCESS_RIGHTS) >> 5 & 3),
            vmread(Field::GUEST_RFLAGS)};
}

}  // namespace

x86::PagingState paging_state(VirtualCpu& vcpu) {
    if (this_area().current == &vcpu) [[likely]]
        return current_paging_state();
    Loaded loaded{vcpu};
    return current_paging_state();
}

void set_instruction_pointer(VirtualCpu& vcpu, u64 rip) {
    Loaded loaded{vcpu};
    vmwrite(Field::GUEST_RIP, rip);
}

}  // namespace hv::vmx
