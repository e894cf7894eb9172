// How a vCPU comes up and goes down: by INIT and start-up messages, by VCPUOP, or by its records.
#pragma once

#include <domains/domain.hpp>
#include <xen/hvm/hvm_vcpu.h>

namespace hv {

/// INIT: the vCPU stops and waits for a start-up message. For any vCPU but a running boot vCPU.
void receive_init(Vcpu& vcpu);
/// A start-up message: real mode at vector * 4096, if the vCPU waits for one.
void receive_start_up(Vcpu& vcpu, u8 vector);
/// Its state is complete: it may run.
void bring_up(Vcpu& vcpu);
/// It stops, until it is brought up again. The last one takes its domain with it.
void take_down(Cpu& cpu, Vcpu& vcpu);

/// Gives a vCPU that is down the state of VCPUOP_initialise (xen/hvm/hvm_vcpu.h). XEN_EINVAL.
Result<> start_as_told(Vcpu& vcpu, const vcpu_hvm_context_t& told);

/// Xen's packed segment attributes (bits 7:0 as in a descriptor, then AVL, L, D/B, G) and ours.
constexpr u32 pack_attributes(u32 ours) { return (ours & 0xff) | (ours >> 4 & 0xf00); }
constexpr u32 unpack_attributes(u32 packed) {
    constexpr u32 present = 1 << 7, unusable = 1 << 16;
    return (packed & 0xff) | (packed & 0xf00) << 4 | (packed & present ? 0 : unusable);
}

/// True for control registers and EFER that a guest may be started with.
bool startable(const x86::CpuState& state);

}  // namespace hv
