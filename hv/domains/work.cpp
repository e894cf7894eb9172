// What every pCPU does for ever: the only room that names both engines.
#include <domains/run_loop.hpp>
#include <domains/shared_info.hpp>
#include <domains/trace.hpp>
#include <domains/work.hpp>
#include <svm/svm.hpp>
#include <vmx/vmx.hpp>

namespace hv {
namespace {

/// The slice is over: someone else may want this pCPU.
void slice_ended(Timer&, Cpu& cpu) {
    cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
}

/// Sleeps until an interrupt. Whoever puts work in the queue kicks us, so none is missed.
void idle(Cpu& cpu) {
    const u64 since = cpu.machine->clock.now();
    if ((cpu.asks.load(std::memory_order_relaxed) & ask_reschedule) == 0)
        x86::sleep_until_interrupt();
    whereabouts(cpu).idle_time += cpu.machine->clock.now() - since;
}

/// Keeps Xen's account of what the vCPU was doing until now, and says what it does from here on.
void account(Vcpu& vcpu, int state, u64 now) {
    vcpu_runstate_info_t& account = vcpu.runstate;
    account.time[account.state] += now - account.state_entry_time;
    account.state = state;
    account.state_entry_time = now;
}

template <x86::Engine E>
void take_turn(Cpu& cpu, Vcpu& vcpu, u64 slice) {
    Whereabouts& here = whereabouts(cpu);
    Machine& machine = *cpu.machine;
    here.current = &vcpu;
    const u64 began = machine.clock.now();
    account(vcpu, RUNSTATE_running, began);
    runstate_changed(vcpu);
    trace(cpu, vcpu_scheduled, vcpu.domain.id, vcpu.id, vcpu.domain.id, vcpu.id);
    if (slice != 0)
        cpu.timers.arm(cpu, here.slice, began + slice);

    vcpu.fpu.restore(machine.fpu);
    run<E>(cpu, vcpu);
    vcpu.fpu.save(machine.fpu);

    cpu.timers.cancel(here.slice);
    account(vcpu, vcpu.may_run() ? RUNSTATE_runnable
                  : vcpu.blocked ? RUNSTATE_blocked
                                 : RUNSTATE_offline, machine.clock.now());
    here.current = nullptr;
    household(machine).scheduler->put_back(cpu, vcpu);
}

template <x86::Engine E>
[[noreturn]] void work_with(Cpu& cpu) {
    Scheduler& scheduler = *household(*cpu.machine).scheduler;
    for (;;) {
        cpu.asks.fetch_and(~static_cast<u32>(ask_reschedule), std::memory_order_acquire);
        const Choice choice = scheduler.choose(cpu);
        if (choice.vcpu != nullptr)
            take_turn<E>(cpu, *choice.vcpu, choice.slice);
        else
            idle(cpu);
    }
}

}  // namespace

Whereabouts::Whereabouts() : slice{slice_ended} {}

void work(Cpu& cpu) {
    if (cpu.machine->engine == &vmx::operations)
        work_with<vmx::Engine>(cpu);
    work_with<svm::Engine>(cpu);
}

}  // namespace hv
