// The engine at work: a vCPU comes to a pCPU, runs, is handed events, and leaves.
#include <svm/host_area.hpp>
#include <svm/svm.hpp>
#include <x86/debug_registers.hpp>

namespace hv::svm {

/// In world_switch.S.
extern "C" void svm_world_switch(x86::VirtualCpu* vcpu, u64 guest_vmcb, u64 host_vmcb);

void Engine::arrive(x86::VirtualCpu& vcpu, u16 cpu) {
    vcpu.last_cpu = cpu;
    x86::write_debug_addresses(vcpu.debug_addresses);
}

void Engine::depart(x86::VirtualCpu& vcpu) { x86::read_debug_addresses(vcpu.debug_addresses); }

namespace {

void queue_nmi(x86::VirtualCpu& vcpu, ControlArea& control) {
    control.eventinj = EVENT_VALID | EVENT_NMI | x86::EXCEPTION_NMI;
    control.intercepts_1 |= INTERCEPT_IRET;
    vcpu.engine_bits = NMI_BLOCKED;
}

/// Delivers the NMI that waits behind another, one entry after the guest's IRET has exited: in
/// that entry the guest executes it.
void step_nmi(x86::VirtualCpu& vcpu, ControlArea& control) {
    if (vcpu.engine_bits & NMI_RETURNING)
        vcpu.engine_bits &= ~static_cast<u32>(NMI_RETURNING);
    else if (vcpu.engine_bits == NMI_WAITING && !(control.eventinj & EVENT_VALID))
        queue_nmi(vcpu, control);
}

}  // namespace

void Engine::enter(x86::VirtualCpu& vcpu, x86::Exit& exit) {
    Vmcb& vmcb = vmcb_of(vcpu);
    HostArea& area = host_area();

    // What may have changed since the last entry
    if (!area.asids.fresh(vcpu)) [[unlikely]]
        area.asids.renew(vcpu, vmcb.control);
    if (vcpu.engine_bits) [[unlikely]]
        step_nmi(vcpu, vmcb.control);
    vmcb.control.tsc_offset = vcpu.tsc_offset;
    vmcb.control.v_tpr = vcpu.apic_registers[apic_task_priority] >> 4;

    vmcb.save.rax = vcpu.gpr.rax;
    svm_world_switch(&vcpu, vcpu.control_address.value, area.host_vmcb_address().value);
    vcpu.gpr.rax = vmcb.save.rax;

    vmcb.control.tlb_control = TLB_KEEP;
    decode(vcpu, vmcb, exit);
}

void Engine::inject(x86::VirtualCpu& vcpu, const x86::Injection& injection) {
    Vmcb& vmcb = vmcb_of(vcpu);
    switch (injection.kind) {
    case x86::Injection::Kind::interrupt:
        vmcb.control.eventinj = EVENT_VALID | EVENT_INTERRUPT | injection.vector;
        return;
    case x86::Injection::Kind::nmi:
        if (vcpu.engine_bits || (vmcb.control.eventinj & EVENT_VALID))
            vcpu.engine_bits |= NMI_WAITING;
        else
            queue_nmi(vcpu, vmcb.control);
        return;
    case x86::Injection::Kind::exception:
        vmcb.control.eventinj = EVENT_VALID | EVENT_EXCEPTION | injection.vector |
                                (injection.has_error_code ? u64{EVENT_HAS_ERROR_CODE} : 0);
        return;
    }
}

}  // namespace hv::svm
