// One pCPU's timers: a queue of deadlines, and the one hardware timer behind it.
#pragma once

#include <atomic>
#include <base/spinlock.hpp>
#include <boost/intrusive/set.hpp>

namespace hv {

struct Cpu;

/// Something to be done at a time. Lives inside its owner; runs on the pCPU that armed it.
struct Timer : boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
    using Action = void (*)(Timer& timer, Cpu& cpu);
    explicit Timer(Action what) : action{what} {}

    u64 deadline = 0;        ///< machine system time, ns (Clock::now)
    Action action;
    std::atomic<Cpu*> armed_on{nullptr};  ///< whose queue it is in; nullptr: not armed
    std::atomic<Cpu*> home{nullptr};      ///< the pCPU that armed it last
    bool operator<(const Timer& other) const { return deadline < other.deadline; }
};

/// The hardware behind the queues: each pCPU's local APIC timer, found out at boot.
struct HostTimer {
    bool by_tsc_deadline = false;  ///< IA32_TSC_DEADLINE, in ticks of the TSC
    u64 apic_ticks_per_second = 0; ///< otherwise: the countdown's rate
};

/// The armed timers of one pCPU, nearest first. Called with interrupts off.
class TimerQueue {
public:
    static constexpr u64 never = ~0ull;
    static constexpr u64 farthest = 1ull << 60;  ///< ns, 36 years: in ticks it fits in 64 bits

    /// Arms `timer` on `cpu`, the pCPU that calls and whose queue this is, for `deadline`; if it
    /// was armed, here or on another pCPU, it is moved.
    void arm(Cpu& cpu, Timer& timer, u64 deadline);
    /// Disarms `timer`, wherever it is armed. From another pCPU than that it runs on, waits until
    /// its action is over; so the caller may not hold what the action waits for.
    static void cancel(Timer& timer);
    /// Runs every timer whose deadline has passed, without the lock held, then sets the hardware.
    void run_due(Cpu& cpu);
    /// What the hardware is set for: the nearest deadline, or `never`.
    u64 programmed() const { return programmed_; }

private:
    Timer* take_due(u64 now);
    void remove(Timer& timer);
    u64 nearest() const;

    Spinlock lock_{LockRank::timers};
    boost::intrusive::multiset<Timer> queue_{};
    std::atomic<Timer*> running_{nullptr};  ///< whose action runs just now
    u64 programmed_ = never;
};

/// Sets this pCPU's hardware timer for `deadline` (ns of system time), or stops it for `never`.
/// Hosted: does nothing, tests call run_due().
void set_hardware_timer(Cpu& cpu, u64 deadline);

}  // namespace hv
