// A vCPU's timers: armed on the pCPU that set them, heard wherever the vCPU is.
#include <domains/household.hpp>
#include <domains/vcpu_timers.hpp>

namespace hv {
namespace {

void tell_guest(Vcpu& vcpu) {
    if (const auto expired = household(vcpu.domain.machine).timer_expired)
        expired(vcpu);
}

}  // namespace

void singleshot_expired(Timer& timer, Cpu&) { tell_guest(static_cast<VcpuTimer&>(timer).vcpu); }

void periodic_expired(Timer& timer, Cpu& cpu) {
    Vcpu& vcpu = static_cast<VcpuTimer&>(timer).vcpu;
    if (vcpu.period != 0)
        cpu.timers.arm(cpu, timer, timer.deadline + vcpu.period);
    tell_guest(vcpu);
}

void set_singleshot(Cpu& cpu, Vcpu& vcpu, u64 deadline) {
    cpu.timers.arm(cpu, vcpu.singleshot, deadline);
}

void stop_singleshot(Vcpu& vcpu) { TimerQueue::cancel(vcpu.singleshot); }

void set_periodic(Cpu& cpu, Vcpu& vcpu, u64 period) {
    vcpu.period = period;
    if (period != 0)
        cpu.timers.arm(cpu, vcpu.periodic, cpu.machine->clock.now() + period);
    else
        TimerQueue::cancel(vcpu.periodic);
}

void cancel_timers(Vcpu& vcpu) {
    vcpu.period = 0;
    TimerQueue::cancel(vcpu.singleshot);
    TimerQueue::cancel(vcpu.periodic);
    vcpu.apic.cancel_timer();
}

}  // namespace hv
