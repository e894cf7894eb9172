// Round robin: one queue for all pCPUs, and an equal slice for each who waits in it.
#include <bit>
#include <domains/household.hpp>

namespace hv {
namespace {

/// The simplest fair scheduler. Whoever may run waits at the tail; the head gets ten milliseconds.
/// Only dom0, when it wakes, is let in at once: a serial line keeps 16 bytes for it, and no more.
class RoundRobin final : public Scheduler {
public:
    explicit RoundRobin(Machine& machine) : machine_{machine} {}

    void wake(Vcpu& vcpu) override { rouse(enqueue(vcpu, false)); }

    void sleep(Vcpu& vcpu) override {
        Guard guard{lock_};
        if (vcpu.queued)
            account(dequeue(vcpu), RUNSTATE_offline, machine_.clock.now());
        if (vcpu.running)
            kick(*machine_.cpus[vcpu.cpu], ask_reschedule);
    }

    void put_back(Cpu&, Vcpu& vcpu) override { rouse(enqueue(vcpu, true)); }

    Choice choose(Cpu& cpu) override {
        Guard guard{lock_};
        Vcpu* const vcpu = first_for(cpu);
        if (vcpu == nullptr) {
            idle_cpus_ |= 1u << cpu.number;
            return {};
        }
        idle_cpus_ &= ~(1u << cpu.number);
        dequeue(*vcpu);
        vcpu->cpu = cpu.number;
        vcpu->running = true;
        return {vcpu, slice};
    }

    bool anyone_waiting(Cpu& cpu) override {
        Guard guard{lock_};
        return first_for(cpu) != nullptr;
    }

private:
    static constexpr u64 slice = 10'000'000;  ///< ns

    /// Lets it wait, if it may run; `ran` when a pCPU puts it back. Returns a pCPU to rouse for it,
    /// or nullptr.
    Cpu* enqueue(Vcpu& vcpu, bool ran) {
        Guard guard{lock_};
        vcpu.running = vcpu.running && !ran;
        if (vcpu.queued || vcpu.running || !vcpu.may_run())
            return nullptr;
        // From here on it waits for a pCPU: its guest sees that as stolen
        if (vcpu.runstate.state != RUNSTATE_runnable)
            account(vcpu, RUNSTATE_runnable, machine_.clock.now());
        vcpu.queued = true;
        const bool urgent = vcpu.domain.privileged && !ran;
        queue_.insert(urgent ? queue_.begin() : queue_.end(), vcpu);

        // An idle pCPU takes it at once, best the one that it knows; a busy one at its slice's end,
        // or, when it is urgent, now
        const u32 sleepers = idle_cpus_ & vcpu.affinity;
        if (sleepers == 0 && !urgent)
            return nullptr;
        const u32 choice = sleepers != 0 ? sleepers : vcpu.affinity;
        const bool known = choice >> vcpu.cpu & 1;
        const int chosen = known ? vcpu.cpu.load() : std::countr_zero(choice);
        idle_cpus_ &= ~(1u << chosen);
        return machine_.cpus[static_cast<size_t>(chosen)];
    }

    /// Called without the lock, which is the first thing that a roused pCPU reaches for.
    static void rouse(Cpu* sleeper) {
        if (sleeper != nullptr)
            kick(*sleeper, ask_reschedule);
    }

    Vcpu& dequeue(Vcpu& vcpu) {
        queue_.erase(queue_.iterator_to(vcpu));
        vcpu.queued = false;
        return vcpu;
    }

    /// The nearest to the head that may run there; nullptr when there is none.
    Vcpu* first_for(const Cpu& cpu) {
        for (Vcpu& vcpu : queue_)
            if (vcpu.affinity >> cpu.number & 1)
                return &vcpu;
        return nullptr;
    }

    Machine& machine_;
    Spinlock lock_{LockRank::scheduler};
    boost::intrusive::list<Vcpu> queue_{};
    u32 idle_cpus_ = 0;   ///< one bit for each pCPU that found nothing to do
};

}  // namespace

Result<Scheduler*> make_round_robin(Machine& machine) {
    return TRY(make<RoundRobin>(machine, machine));
}

}  // namespace hv
