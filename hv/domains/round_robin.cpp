// Round robin: who waits at the tail, who is taken from the head, and which pCPU is woken for it.
#include <bit>
#include <domains/round_robin.hpp>

namespace hv {

void RoundRobin::add(Vcpu&) {}

void RoundRobin::remove(Vcpu& vcpu) {
    Guard guard{lock_};
    if (vcpu.queued)
        queue_.erase(queue_.iterator_to(vcpu));
    vcpu.queued = false;
}

/// Lets it wait at the tail, if it may run; returns the bit of the idle pCPU to rouse for it, or 0.
u32 RoundRobin::enqueue(Vcpu& vcpu) {
    if (vcpu.queued || vcpu.running || !vcpu.may_run())
        return 0;
    vcpu.queued = true;
    vcpu.runnable_since = machine_.clock.now();
    queue_.push_back(vcpu);

    // An idle pCPU takes it at once; a busy one when its slice ends
    const u32 allowed = idle_cpus_ & vcpu.affinity;
    const u32 sleeper = allowed & (1u << vcpu.cpu) ? 1u << vcpu.cpu : allowed & (0u - allowed);
    idle_cpus_ &= ~sleeper;
    return sleeper;
}

void RoundRobin::rouse(u32 sleeper) {
    if (sleeper != 0)
        kick(*machine_.cpus[static_cast<size_t>(std::countr_zero(sleeper))], ask_reschedule);
}

void RoundRobin::wake(Vcpu& vcpu) {
    u32 sleeper = 0;
    {
        Guard guard{lock_};
        sleeper = enqueue(vcpu);
    }
    rouse(sleeper);
}

void RoundRobin::sleep(Vcpu& vcpu) {
    Cpu* runs_on = nullptr;
    {
        Guard guard{lock_};
        if (vcpu.queued)
            queue_.erase(queue_.iterator_to(vcpu));
        vcpu.queued = false;
        if (vcpu.running)
            runs_on = machine_.cpus[vcpu.cpu];
    }
    if (runs_on != nullptr)
        kick(*runs_on, ask_reschedule);
}

void RoundRobin::put_back(Cpu&, Vcpu& vcpu) {
    u32 sleeper = 0;
    {
        Guard guard{lock_};
        vcpu.running = false;
        sleeper = enqueue(vcpu);
    }
    rouse(sleeper);
}

Choice RoundRobin::choose(Cpu& cpu) {
    Guard guard{lock_};
    idle_cpus_ &= ~(1u << cpu.number);
    for (Vcpu& vcpu : queue_) {
        if (!(vcpu.affinity >> cpu.number & 1))
            continue;
        queue_.erase(queue_.iterator_to(vcpu));
        vcpu.queued = false;
        vcpu.cpu = cpu.number;
        vcpu.running = true;
        return {&vcpu, slice};
    }
    idle_cpus_ |= 1u << cpu.number;
    return {};
}

bool RoundRobin::anyone_waiting(Cpu& cpu) {
    Guard guard{lock_};
    for (const Vcpu& vcpu : queue_)
        if (vcpu.affinity >> cpu.number & 1)
            return true;
    return false;
}

}  // namespace hv
