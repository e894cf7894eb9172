// Turning SVM on on a pCPU; control blocks; and a vCPU that comes to a pCPU, runs, and leaves.
#include <svm/exits.hpp>
#include <svm/host_area.hpp>
#include <svm/svm.hpp>
#include <x86/host_apic.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

namespace hv::svm {

/// In world_switch.S.
extern "C" void svm_world_switch(x86::VirtualCpu* vcpu, u64 guest_vmcb, u64 host_vmcb);

namespace {

using x86::FrameSource;
using x86::VirtualCpu;

HostArea& host_area() { return x86::engine_area<HostArea>(); }

// Turning on, and making and unmaking control blocks

void save_host_state(Mpa vmcb) { asm volatile("vmsave %%rax" ::"a"(vmcb.value) : "memory"); }

Result<> turn_on(u16 cpu, u64, FrameSource& source) {
    const Mpa block = TRY(source.take(source.context, host_area_order));
    HostArea& area = *reinterpret_cast<HostArea*>(source.at(source.context, block));
    const Offer offer = read_offer();

    // What every entry here finds ready
    area.address = block;
    area.asids = AsidPool{cpu, offer.asids};
    area.features = offer.features;
    fill_io_map(area.io_map);
    fill_msr_map(area.msr_map);

    // From here on SVM's instructions exist
    x86::write_msr(x86::IA32_EFER, x86::read_msr(x86::IA32_EFER) | x86::EFER_SVME);
    x86::write_msr(x86::AMD_VM_HSAVE_PA, area.address_of(area.hsave).value);
    save_host_state(area.address_of(&area.host));
    x86::set_engine_area(&area);
    return {};
}

Result<> create(VirtualCpu& vcpu, FrameSource& source) {
    vcpu.control_address = TRY(source.take(source.context, 0));
    vcpu.control = source.at(source.context, vcpu.control_address);
    vcpu.engine_bits = 0;
    vcpu.tag_generation = 0;

    Vmcb& vmcb = vmcb_of(vcpu);
    const HostArea& area = host_area();
    set_intercepts(vmcb.control, area.features);
    vmcb.control.iopm_base_pa = area.address_of(area.io_map).value;
    vmcb.control.msrpm_base_pa = area.address_of(area.msr_map).value;
    vmcb.control.nested_enable = NP_ENABLE;
    return write_state(vmcb.save, reset_state());
}

void destroy(VirtualCpu& vcpu, FrameSource& source) {
    source.give_back(source.context, vcpu.control_address);
    vcpu.control = nullptr;
    vcpu.control_address = {};
}

// An NMI that waits for another

void queue_nmi(VirtualCpu& vcpu, ControlArea& control) {
    control.eventinj = x86::nmi_event;
    intercept(control, VMEXIT_IRET, true);
    vcpu.engine_bits = NMI_BLOCKED;
}

/// Delivers the NMI that waits behind another, one entry after the guest's IRET has exited: in
/// that entry the guest executes it.
void step_nmi(VirtualCpu& vcpu, ControlArea& control) {
    if (vcpu.engine_bits & NMI_RETURNING)
        vcpu.engine_bits &= ~static_cast<u32>(NMI_RETURNING);
    else if (vcpu.engine_bits == NMI_WAITING && !(control.eventinj & x86::EVENT_VALID))
        queue_nmi(vcpu, control);
}

/// What others changed in the vCPU since the last entry.
void take_changes(VirtualCpu& vcpu, ControlArea& control) {
    if (vcpu.changes & x86::change_translations)
        host_area().asids.renew(vcpu, control);
    control.tsc_offset = vcpu.tsc_offset;
    control.v_tpr = vcpu.apic_registers[x86::APIC_TPR] >> 4;  // what the guest reads in CR8
    vcpu.changes = 0;
}

}  // namespace

constinit const x86::EngineOperations operations{
    .name = "SVM",
    .nested_format = &x86::npt_format,
    .probe = [](const char** why) { return judge(read_offer(), why); },
    .turn_on = turn_on,
    .create = create,
    .destroy = destroy,
    .read_state = [](VirtualCpu& vcpu, x86::CpuState& state) {
        svm::read_state(vmcb_of(vcpu).save, state);
    },
    .write_state = [](VirtualCpu& vcpu, const x86::CpuState& state) {
        return svm::write_state(vmcb_of(vcpu).save, state);
    },
    .paging_state = [](VirtualCpu& vcpu) { return svm::paging_state(vmcb_of(vcpu).save); },
    .set_instruction_pointer = [](VirtualCpu& vcpu, u64 rip) { vmcb_of(vcpu).save.rip = rip; },
    .read_msr = [](VirtualCpu& vcpu, u32 msr) {
        return svm::read_msr(vmcb_of(vcpu).save, msr);
    },
    .write_msr = [](VirtualCpu& vcpu, u32 msr, u64 value) {
        return svm::write_msr(vmcb_of(vcpu).save, msr, value);
    },
};

void Engine::arrive(VirtualCpu& vcpu, u16 cpu) {
    vcpu.last_cpu = cpu;
    if (!host_area().asids.fresh(vcpu))
        vcpu.changes |= x86::change_translations;
    x86::write_debug_addresses(vcpu.debug_addresses);
}

void Engine::depart(VirtualCpu& vcpu) { x86::read_debug_addresses(vcpu.debug_addresses); }

void Engine::enter(VirtualCpu& vcpu, x86::Exit& exit) {
    Vmcb& vmcb = vmcb_of(vcpu);
    HostArea& area = host_area();
    if (vcpu.changes) [[unlikely]]
        take_changes(vcpu, vmcb.control);
    if (vcpu.engine_bits) [[unlikely]]
        step_nmi(vcpu, vmcb.control);

    vmcb.save.rax = vcpu.gpr.rax;
    svm_world_switch(&vcpu, vcpu.control_address.value, area.address_of(&area.host).value);
    vcpu.gpr.rax = vmcb.save.rax;

    vmcb.control.tlb_control = TLB_KEEP;
    decode(vcpu, vmcb, exit);
}

void Engine::inject(VirtualCpu& vcpu, u32 event) {
    ControlArea& control = vmcb_of(vcpu).control;
    if (event != x86::nmi_event)
        control.eventinj = event;
    else if (vcpu.engine_bits || (control.eventinj & x86::EVENT_VALID))
        vcpu.engine_bits |= NMI_WAITING;
    else
        queue_nmi(vcpu, control);
}

}  // namespace hv::svm
