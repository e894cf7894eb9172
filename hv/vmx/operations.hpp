// The rarely used operations of the VMX engine, gathered into a table in vmx.cpp.
#pragma once

#include <x86/engine.hpp>

namespace hv::vmx {

using x86::CpuState;
using x86::FrameSource;
using x86::VirtualCpu;

// turn_on.cpp
Result<x86::EngineCapabilities> probe(const char** why);
Result<> turn_on(u16 cpu, u64 tsc_hz, FrameSource& source);

// create.cpp
Result<> create(VirtualCpu& vcpu, FrameSource& source);
void destroy(VirtualCpu& vcpu, FrameSource& source);

// state.cpp: for the pCPU where the vCPU has arrived, or any once it departed
void read_state(VirtualCpu& vcpu, CpuState& state);
Result<> write_state(VirtualCpu& vcpu, const CpuState& state);
x86::PagingState paging_state(VirtualCpu& vcpu);
void set_instruction_pointer(VirtualCpu& vcpu, u64 rip);
u64 read_cr4(VirtualCpu& vcpu);

}  // namespace hv::vmx
