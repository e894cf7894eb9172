// The scheduler's interface: who runs next. Round robin implements it now, Credit2 later.
#pragma once

#include <base/result.hpp>

namespace hv {

struct Cpu;
struct Machine;
struct Vcpu;

/// What a scheduler chose for a pCPU.
struct Choice {
    Vcpu* vcpu = nullptr;   ///< nullptr: nobody wants to run; the pCPU idles
    u64 slice = 0;          ///< ns until it must be asked again
};

/// A scheduler decides among vCPUs that may run. It keeps `queued`, `running` and `cpu` of a Vcpu
/// under its own lock (LockRank::scheduler), says from when on one waits, and when it is held
/// instead (account()), and touches nothing else of a domain.
class Scheduler {
public:
    /// It may run again. Finds it a pCPU and kicks that. Any pCPU, interrupts on or off.
    virtual void wake(Vcpu& vcpu) = 0;
    /// It may no longer run: leaves the queue, or is kicked off its pCPU.
    virtual void sleep(Vcpu& vcpu) = 0;
    /// It ran on `cpu` and has been put away: back in the queue, if it may still run.
    virtual void put_back(Cpu& cpu, Vcpu& vcpu) = 0;
    /// The next for `cpu`, marked running there.
    virtual Choice choose(Cpu& cpu) = 0;
    /// True when somebody waits for `cpu`: a yield is worth its cost.
    virtual bool anyone_waiting(Cpu& cpu) = 0;

protected:
    ~Scheduler() = default;
};

/// One queue, and ten milliseconds for each in its turn (round_robin.cpp). XEN_ENOMEM.
Result<Scheduler*> make_round_robin(Machine& machine);

}  // namespace hv
