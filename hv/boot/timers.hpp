// One pCPU's timers: a queue of deadlines, and the one hardware timer behind it.
#pragma once

#include <base/types.hpp>
#include <boost/intrusive/set.hpp>

namespace hv {

struct Cpu;

/// Something to be done at a time. Lives inside its owner; runs on the pCPU that armed it.
struct Timer : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
    using Action = void (*)(Timer& timer, Cpu& cpu);
    explicit Timer(Action what) : action{what} {}

    u64 deadline = 0;       ///< machine system time, ns (Clock::now)
    Action action;
    Cpu* armed_on = nullptr;///< nullptr: not armed
    bool operator<(const Timer& other) const { return deadline < other.deadline; }
};

/// The armed timers of one pCPU, nearest first. Called on that pCPU, interrupts off.
class TimerQueue {
public:
    /// Arms `timer` on `cpu` for `deadline`, moving it if it was armed.
    void arm(Cpu& cpu, Timer& timer, u64 deadline);
    /// Disarms it, if armed here.
    void cancel(Timer& timer);
    /// Runs every timer whose deadline has passed, then sets the hardware for the next.
    void run_due(Cpu& cpu);

private:
    void program(Cpu& cpu);
    boost::intrusive::multiset<Timer> queue_{};
};

}  // namespace hv
