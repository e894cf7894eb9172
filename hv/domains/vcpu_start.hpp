// How a vCPU comes up and goes down: by INIT and start-up messages, or by VCPUOP.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// INIT: the vCPU stops and waits for a start-up message. For any vCPU but a running boot vCPU.
void receive_init(Vcpu& vcpu);
/// A start-up message: real mode at vector * 4096, if the vCPU waits for one.
void receive_start_up(Vcpu& vcpu, u8 vector);
/// Its state is complete: it may run.
void bring_up(Vcpu& vcpu);
/// It stops, until it is brought up again. The last one takes its domain with it.
void take_down(Cpu& cpu, Vcpu& vcpu);

}  // namespace hv
