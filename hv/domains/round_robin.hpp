// Round robin: one queue for all pCPUs, and an equal slice for each who waits in it.
#pragma once

#include <domains/domain.hpp>
#include <domains/scheduler.hpp>

namespace hv {

/// The simplest fair scheduler. Whoever may run waits at the tail; the head gets ten milliseconds.
class RoundRobin final : public Scheduler {
public:
    static constexpr u64 slice = 10'000'000;  ///< ns

    explicit RoundRobin(Machine& machine) : machine_{machine} {}

    void add(Vcpu& vcpu) override;
    void remove(Vcpu& vcpu) override;
    void wake(Vcpu& vcpu) override;
    void sleep(Vcpu& vcpu) override;
    void put_back(Cpu& cpu, Vcpu& vcpu) override;
    Choice choose(Cpu& cpu) override;
    bool anyone_waiting(Cpu& cpu) override;

private:
    u32 enqueue(Vcpu& vcpu);
    void rouse(u32 sleeper);

    Machine& machine_;
    Spinlock lock_{LockRank::scheduler};
    boost::intrusive::list<Vcpu> queue_{};
    u32 idle_cpus_ = 0;   ///< one bit for each pCPU that found nothing to do
};

}  // namespace hv
