// Turning SVM on on a pCPU, and making and unmaking control blocks.
#include <svm/capabilities.hpp>
#include <svm/host_area.hpp>
#include <svm/npt_format.hpp>
#include <svm/state.hpp>
#include <svm/svm.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

namespace hv::svm {
namespace {

void save_host_state(Mpa vmcb) { asm volatile("vmsave %%rax" ::"a"(vmcb.value) : "memory"); }

Result<x86::EngineCapabilities> probe(const char** why) { return judge(read_offer(), why); }

Result<> turn_on(u16 cpu, u64, x86::FrameSource& source) {
    const Result<Mpa> block = source.take(source.context, host_area_order);
    TRY(block);
    HostArea& area = *reinterpret_cast<HostArea*>(source.at(source.context, *block));
    const Offer offer = read_offer();

    // What every entry here finds ready
    area.address = *block;
    area.asids = AsidPool{cpu, offer.asids};
    area.features = offer.features;
    fill_io_map(area.io_map);
    fill_msr_map(area.msr_map);

    // From here on SVM's instructions exist
    x86::write_msr(x86::IA32_EFER, x86::read_msr(x86::IA32_EFER) | x86::EFER_SVME);
    x86::write_msr(x86::AMD_VM_HSAVE_PA, area.hsave_address().value);
    save_host_state(area.host_vmcb_address());
    set_host_area(&area);
    return {};
}

Result<> create(x86::VirtualCpu& vcpu, x86::FrameSource& source) {
    const Result<Mpa> frame = source.take(source.context, 0);
    TRY(frame);
    vcpu.control_address = *frame;
    vcpu.control = source.at(source.context, *frame);
    vcpu.engine_bits = 0;
    vcpu.tag_generation = 0;

    Vmcb& vmcb = vmcb_of(vcpu);
    const HostArea& area = host_area();
    set_intercepts(vmcb.control, area.features);
    vmcb.control.iopm_base_pa = area.io_map_address().value;
    vmcb.control.msrpm_base_pa = area.msr_map_address().value;
    vmcb.control.nested_enable = NP_ENABLE;
    return write_state(vmcb.save, reset_state());
}

void destroy(x86::VirtualCpu& vcpu, x86::FrameSource& source) {
    source.give_back(source.context, vcpu.control_address);
    vcpu.control = nullptr;
    vcpu.control_address = {};
}

}  // namespace

constinit const x86::EngineOperations operations{
    .name = "SVM",
    .nested_format = &npt_format,
    .probe = probe,
    .turn_on = turn_on,
    .create = create,
    .destroy = destroy,
    .read_state = [](x86::VirtualCpu& vcpu, x86::CpuState& state) {
        svm::read_state(vmcb_of(vcpu).save, state);
    },
    .write_state = [](x86::VirtualCpu& vcpu, const x86::CpuState& state) {
        return svm::write_state(vmcb_of(vcpu).save, state);
    },
    .paging_state = [](x86::VirtualCpu& vcpu) { return svm::paging_state(vmcb_of(vcpu).save); },
    .set_instruction_pointer = [](x86::VirtualCpu& vcpu, u64 rip) { vmcb_of(vcpu).save.rip = rip; },
    .read_cr4 = [](x86::VirtualCpu& vcpu) { return vmcb_of(vcpu).save.cr4; },
    .read_msr = [](x86::VirtualCpu& vcpu, u32 msr) {
        return svm::read_msr(vmcb_of(vcpu).save, msr);
    },
    .write_msr = [](x86::VirtualCpu& vcpu, u32 msr, u64 value) {
        return svm::write_msr(vmcb_of(vcpu).save, msr, value);
    },
};

}  // namespace hv::svm
