// What only metal has, played: an engine that keeps registers and runs nothing.
#include "machine.hpp"
#include <x86/page_format.hpp>

namespace hv {

Whereabouts::Whereabouts()
    : slice{[](Timer&, Cpu& cpu) { cpu.asks.fetch_or(ask_reschedule); }} {}

void work(Cpu&) { panic("no pCPU works by itself here: Python says whose turn it is"); }

namespace x86 {
void reset_fpu_area(u8*) {}
}  // namespace x86

namespace hosted {
namespace {

x86::CpuState& registers(x86::VirtualCpu& vcpu) {
    return *static_cast<x86::CpuState*>(vcpu.control);
}

/// The registers lie in a frame of the machine's own, and die with its memory.
Result<> create(x86::VirtualCpu& vcpu, x86::FrameSource& source) {
    static_assert(sizeof(x86::CpuState) <= page_size);
    vcpu.control_address = TRY(source.take(source.context, 0));
    vcpu.control = new (source.at(source.context, vcpu.control_address)) x86::CpuState;
    return {};
}

void destroy(x86::VirtualCpu& vcpu, x86::FrameSource& source) {
    source.give_back(source.context, vcpu.control_address);
    vcpu.control = nullptr;
}

Result<> write_state(x86::VirtualCpu& vcpu, const x86::CpuState& state) {
    registers(vcpu) = state;
    return {};
}

x86::PagingState paging_state(x86::VirtualCpu& vcpu) {
    const x86::CpuState& state = registers(vcpu);
    return {state.cr0, state.cr3, state.cr4, state.efer};
}

}  // namespace

constexpr x86::EngineOperations paper_engine{
    .name = "VMX",
    .nested_format = &x86::ept_format,
    .probe = nullptr,
    .turn_on = [](u16, u64, x86::FrameSource&) { return Result<>{}; },
    .create = create,
    .destroy = destroy,
    .read_state = [](x86::VirtualCpu& vcpu, x86::CpuState& state) { state = registers(vcpu); },
    .write_state = write_state,
    .paging_state = paging_state,
    .set_instruction_pointer = [](x86::VirtualCpu& vcpu, u64 rip) { registers(vcpu).rip = rip; },
    .read_msr = [](x86::VirtualCpu&, u32) { return Result<u64>{Error{XEN_ENOENT}}; },
    .write_msr = [](x86::VirtualCpu&, u32, u64) { return Result<>{Error{XEN_ENOENT}}; },
};

}  // namespace hosted
}  // namespace hv
