// A vCPU comes to a pCPU, and leaves it: its VMCS is active on one pCPU at most.
#include <base/panic.hpp>
#include <vmx/area.hpp>
#include <vmx/instructions.hpp>
#include <vmx/vmx.hpp>
#include <x86/debug_registers.hpp>
#include <x86/privileged.hpp>

namespace hv::vmx {

namespace {

/// IA32_TSC_AUX comes with RDTSCP.
bool has_tsc_aux() { return this_area().controls.secondary & SECONDARY_RDTSCP; }

/// A VPID that no other vCPU has used on this pCPU since the last flush: its translations are none.
void take_tag(x86::VirtualCpu& vcpu, Area& area) {
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
void move_in(x86::VirtualCpu& vcpu, Area& area) {
    write_host_state();
    Companion& own = companion(vcpu);
    own.host_rsp = 0;
    const Mpa bitmap = own.delivering ? area.apic_msr_bitmap : area.msr_bitmap;
    vmwrite(Field::MSR_BITMAP_ADDRESS, bitmap.value);
    vmwrite(Field::VMX_PREEMPTION_TIMER_VALUE, area.timer_value);
    // Nested translations that this pCPU kept from an earlier visit may be stale
    vcpu.flush_translations = true;
}

}  // namespace

void save_by_hand(x86::VirtualCpu& vcpu) {
    Companion& own = companion(vcpu);
    for (size_t i = 0; i < std::size(hand_switched); ++i)
        own.msrs[i] = x86::read_msr(hand_switched[i].msr);
    if (has_tsc_aux())
        vcpu.tsc_aux = x86::read_msr(x86::IA32_TSC_AUX);
    own.cr2 = x86::read_cr2();
    own.dr6 = x86::read_dr6();
    x86::read_debug_addresses(vcpu.debug_addresses);
}

void load_by_hand(x86::VirtualCpu& vcpu) {
    const Companion& own = companion(vcpu);
    for (size_t i = 0; i < std::size(hand_switched); ++i)
        x86::write_msr(hand_switched[i].msr, own.msrs[i]);
    if (has_tsc_aux())
        x86::write_msr(x86::IA32_TSC_AUX, vcpu.tsc_aux);
    x86::write_cr2(own.cr2);
    x86::write_dr6(own.dr6);
    x86::write_debug_addresses(vcpu.debug_addresses);
}

void Engine::arrive(x86::VirtualCpu& vcpu, u16 cpu) {
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

void Engine::depart(x86::VirtualCpu& vcpu) {
    Area& area = this_area();
    save_by_hand(vcpu);
    // Back to memory, so that any pCPU may load it
    if (!vmclear(vcpu.control_address))
        panic("VMCLEAR refused the VMCS at {:x}", vcpu.control_address);
    vcpu.engine_bits &= ~bit_launched;
    area.current = nullptr;
}

Loaded::Loaded(x86::VirtualCpu& vcpu) : vcpu_{vcpu}, previous_{this_area().current} {
    if (arrived())
        return;
    if (this_area().visiting)
        panic("a VMCS was visited during a visit to another");
    this_area().visiting = true;
    if (!vmptrld(vcpu.control_address))
        panic("VMPTRLD refused the VMCS at {:x}", vcpu.control_address);
}

Loaded::~Loaded() {
    if (arrived())
        return;
    this_area().visiting = false;
    vmclear(vcpu_.control_address);
    if (previous_)
        vmptrld(previous_->control_address);
}

void vmwrite_failed(Field field, u64 value) {
    panic("VMWRITE of {:x} to field {:x} failed: error {}", value, static_cast<u32>(field),
          vmread(Field::VM_INSTRUCTION_ERROR));
}

}  // namespace hv::vmx
