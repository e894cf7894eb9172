// A vCPU's timers: the one-shot and the periodic one that VCPUOP sets, and who hears of them.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// The actions of Vcpu::singleshot and Vcpu::periodic. They tell the household's `timer_expired`.
void singleshot_expired(Timer& timer, Cpu& cpu);
void periodic_expired(Timer& timer, Cpu& cpu);

/// Arms the one-shot timer for machine time `deadline` (ns), on the pCPU that calls.
void set_singleshot(Cpu& cpu, Vcpu& vcpu, u64 deadline);
/// Disarms the one-shot timer.
void stop_singleshot(Vcpu& vcpu);
/// Starts the periodic timer; `period` in ns, 0 stops it.
void set_periodic(Cpu& cpu, Vcpu& vcpu, u64 period);
/// Disarms every timer of the vCPU, its local APIC's included.
void cancel_timers(Vcpu& vcpu);

}  // namespace hv
