// How a vCPU comes up and goes down.
#include <domains/household.hpp>
#include <domains/vcpu_start.hpp>
#include <xen/sched.h>

namespace hv {

void receive_init(Vcpu& vcpu) {
    if (!vcpu.down.load())
        return;  // a running vCPU is left as it is: Linux sends INIT to those that are down
    vcpu.waits_for_start_up = true;
}

void receive_start_up(Vcpu& vcpu, u8 vector) {
    // One that is down but not yet off its pCPU hears the next message
    Guard guard{vcpu.domain.lock};
    if (!vcpu.down.load() || vcpu.running || !vcpu.waits_for_start_up)
        return;
    vcpu.waits_for_start_up = false;

    // Real mode, as the processor leaves INIT: Intel SDM, "Processor State After Reset"
    constexpr u32 code = 0x9b, data = 0x93, task = 0x8b, table = 0x82;
    x86::CpuState state;
    state.cs = {static_cast<u16>(vector << 8), code, 0xffff, static_cast<u64>(vector) << 12};
    state.ds = state.es = state.fs = state.gs = state.ss = {0, data, 0xffff, 0};
    state.tr = {0, task, 0xffff, 0};
    state.ldtr = {0, table, 0xffff, 0};
    state.gdtr = state.idtr = {0, 0xffff};
    vcpu.hardware.gpr = {};
    if (vcpu.domain.machine.engine->write_state(vcpu.hardware, state).ok())
        bring_up(vcpu);
}

void bring_up(Vcpu& vcpu) {
    vcpu.initialised = true;
    vcpu.blocked.store(false);
    if (vcpu.down.exchange(false))
        household(vcpu.domain.machine).scheduler->wake(vcpu);
}

void take_down(Cpu& cpu, Vcpu& vcpu) {
    vcpu.down.store(true);
    if (vcpu.running && vcpu.cpu == cpu.number)
        cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
    else
        household(vcpu.domain.machine).scheduler->sleep(vcpu);
    for (const Vcpu* other : vcpu.domain.made_vcpus())
        if (!other->down.load())
            return;
    shut_down(cpu, vcpu.domain, SHUTDOWN_poweroff);
}

}  // namespace hv
