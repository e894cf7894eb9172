// The instruction at which a guest stopped, where no engine tells enough of it.
#pragma once

#include <domains/domain.hpp>
#include <x86/decode.hpp>

namespace hv {

/// Reads and decodes the instruction at `state`'s RIP. The vCPU is on this pCPU, out of its guest.
/// XEN_EFAULT: its bytes cannot be read; XEN_EOPNOTSUPP, XEN_EINVAL: as x86::decode says.
Result<x86::Instruction> fetch_instruction(Vcpu& vcpu, const x86::CpuState& state);

/// The linear address of `offset` in a segment: in 64-bit code only FS and GS have a base,
/// elsewhere addresses are 32 bits.
u64 linear_address(const x86::CpuState& state, x86::SegmentName segment, u64 offset);

}  // namespace hv
