// A vCPU: made, woken, put to sleep, and unmade; and the timers that VCPUOP sets for it.
#include <algorithm>
#include <domains/household.hpp>
#include <domains/shared_info.hpp>
#include <x86/privileged.hpp>

namespace hv {
namespace {

Machine& machine_of(void* context) { return *static_cast<Machine*>(context); }

void tell_of_timer(Vcpu& vcpu) {
    if (const auto expired = household(vcpu.domain.machine).timer_expired)
        expired(vcpu);
}

void singleshot_expired(Timer& timer, Cpu&) { tell_of_timer(static_cast<VcpuTimer&>(timer).vcpu); }

void periodic_expired(Timer& timer, Cpu& cpu) {
    Vcpu& vcpu = static_cast<VcpuTimer&>(timer).vcpu;
    if (vcpu.period != 0)
        cpu.timers.arm(cpu, timer, timer.deadline + vcpu.period);
    tell_of_timer(vcpu);
}

}  // namespace

void cancel_timers(Vcpu& vcpu) {
    vcpu.period = 0;
    TimerQueue::cancel(vcpu.singleshot);
    TimerQueue::cancel(vcpu.periodic);
    vcpu.apic.cancel_timer();
}

Vcpu::Vcpu(Domain& owner, u16 number)
    : domain{owner}, id{number}, apic{*this}, singleshot{singleshot_expired, *this},
      periodic{periodic_expired, *this} {
    runstate.state = RUNSTATE_offline;
}

Domain::Domain(Machine& home, DomainId number) : machine{home}, id{number}, p2m{home} {
    paused_at = home.clock.now();
}

x86::FrameSource frame_source(Machine& machine) {
    return {
        .context = &machine,
        .take = [](void* context, u8 order) -> Result<Mpa> {
            return address_of(TRY(machine_of(context).frames.take(owner_hypervisor, order)));
        },
        .give_back = [](void* context, Mpa frame) {
            machine_of(context).frames.give_back(frame_of(frame));
        },
        .at = [](void* context, Mpa address) { return machine_of(context).memory.at(address); },
    };
}

Result<Vcpu*> create_vcpu(Domain& domain, u16 id) {
    Machine& machine = domain.machine;
    Vcpu& vcpu = *TRY(make<Vcpu>(machine, domain, id));
    vcpu.hardware.nested_root = domain.p2m.root().value;
    vcpu.hardware.tsc_offset = domain.tsc_offset;

    x86::FrameSource frames = frame_source(machine);
    Result<> furnished = vcpu.apic.open();
    if (furnished.ok())
        furnished = machine.engine->create(vcpu.hardware, frames);
    const Household& house = household(machine);
    for (size_t i = 0; furnished.ok() && i < house.plug_count; ++i)
        furnished = house.plugs[i]->furnish_vcpu(vcpu);
    if (!furnished.ok()) {
        destroy_vcpu(vcpu);
        return furnished.error();
    }
    attach_vcpu_info(vcpu);
    domain.vcpus[id] = &vcpu;
    domain.vcpu_count = id + 1u;
    return &vcpu;
}

void destroy_vcpu(Vcpu& vcpu) {
    Machine& machine = vcpu.domain.machine;
    const Household& house = household(machine);
    for (size_t i = house.plug_count; i-- > 0;)
        house.plugs[i]->release_vcpu(vcpu);
    cancel_timers(vcpu);
    x86::FrameSource frames = frame_source(machine);
    if (vcpu.hardware.control != nullptr)
        machine.engine->destroy(vcpu.hardware, frames);
    vcpu.apic.close();
    unmake(machine, &vcpu);
}

void account(Vcpu& vcpu, int state, u64 now) {
    vcpu_runstate_info_t& account = vcpu.runstate;
    // Another pCPU may have read its clock after the caller had read its own
    now = std::max(now, account.state_entry_time);
    account.time[account.state] += now - account.state_entry_time;
    account.state = state;
    account.state_entry_time = now;
}

void notify(Vcpu& vcpu, u32 attention_bits) {
    // None is missed: a pCPU that is not seen running the vCPU here looks at `attention` after this
    vcpu.attention.fetch_or(attention_bits);
    unblock(vcpu);
    if (!vcpu.running)
        return;
    Cpu& there = *vcpu.domain.machine.cpus[vcpu.cpu];
    if (&there != &this_cpu())
        kick(there, ask_look_at_guest);
}

void block(Cpu& cpu, Vcpu& vcpu) {
    // Blocked first, then a last look: an event between the two clears it again
    vcpu.blocked.store(Blocked::for_interrupt, std::memory_order_seq_cst);
    if (has_something_to_take(vcpu))
        vcpu.blocked.store(Blocked::no, std::memory_order_relaxed);
    else
        cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
}

bool wanted_elsewhere(Cpu& cpu) {
    x86::open_interrupt_window();
    return (cpu.asks.load(std::memory_order_relaxed) & ask_reschedule) != 0;
}

}  // namespace hv
