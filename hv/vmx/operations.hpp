// The rarely used operations of the VMX engine, gathered into a table in vmx.cpp.
#pragma once

#include <x86/engine.hpp>

namespace hv::vmx {

using x86::CpuState;
using x86::FrameSource;
using x86::VirtualCpu;

struct Area;

// turn_on.cpp
Result<x86::EngineCapabilities> probe(const char** why);
Result<> turn_on(u16 cpu, u64 tsc_hz, FrameSource& source);
void turn_off();

// create.cpp
Result<> create(VirtualCpu& vcpu, FrameSource& source);
void destroy(VirtualCpu& vcpu, FrameSource& source);

// state.cpp: for the pCPU where the vCPU has arrived, or any once it departed
void read_state(VirtualCpu& vcpu, CpuState& state);
Result<> write_state(VirtualCpu& vcpu, const CpuState& state);

// registers.cpp: likewise
x86::PagingState paging_state(VirtualCpu& vcpu);
u64 instruction_pointer(VirtualCpu& vcpu);
void set_instruction_pointer(VirtualCpu& vcpu, u64 rip);
Result<> write_control_register(VirtualCpu& vcpu, unsigned number, u64 value);
u64 read_control_register(VirtualCpu& vcpu, unsigned number);
u64 read_stack_pointer(VirtualCpu& vcpu);
Result<u64> read_msr(VirtualCpu& vcpu, u32 msr);
Result<> write_msr(VirtualCpu& vcpu, u32 msr, u64 value);

}  // namespace hv::vmx
