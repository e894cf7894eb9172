// Time: the TSC as a clock, each pCPU's timers and heartbeat, and what time it is outside.
#pragma once

#include <atomic>
#include <base/spinlock.hpp>
#include <boost/intrusive/set.hpp>
#include <span>

namespace hv {

/// Machine system time: nanoseconds since boot, counted by the TSC. It never stops and never jumps.
struct Clock {
    u64 boot_ticks = 0;       ///< the boot pCPU's TSC at time 0
    u64 ticks_per_second = 0; ///< 0 until calibrated
    u32 to_ns_multiplier = 0; ///< ns = (ticks << shift) * multiplier >> 32, as pvclock has it
    int to_ns_shift = 0;
    u64 wall_seconds = 0;     ///< Unix time at system time 0, from the RTC

    void calibrate(u64 frequency);            ///< sets the scale from ticks per second
    u64 ticks() const;                        ///< the boot pCPU's TSC now, seen from any (hosted: a
                                              ///< counter)
    /// A length of time in ticks, as ns.
    u64 to_ns(u64 ticks) const {
        const auto product = static_cast<unsigned __int128>(ticks) * to_ns_multiplier;
        return static_cast<u64>(product >> ((32 - to_ns_shift) & 63));
    }
    u64 to_ticks(u64 ns) const;
    u64 now() const { return to_ns(ticks() - boot_ticks); }  ///< ns since boot

    u64 hosted_ticks = 0;     ///< the hosted machine's TSC
};

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
    Timer* take_due(Cpu& cpu, u64 now);
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

/// One pCPU's tick, and what it last saw of the next pCPU's.
struct Heartbeat {
    static constexpr u64 period = 1'000'000'000;  ///< ns
    static constexpr u64 patience = 5;            ///< ticks of mine without one of the neighbour's

    Heartbeat();
    Timer timer;
    std::atomic<u64> count{0};
    u64 neighbour_count = 0;
    u64 neighbour_missed = 0;     ///< ticks of mine since it last changed
};

/// Has this pCPU tick in a second's time, and from then on every second. Interrupts off.
void start_heartbeat(Cpu& cpu);

}  // namespace hv

namespace hv::boot {

/// What the CMOS clock's registers hold, before their notation is known.
struct CmosTime {
    u8 second = 0, minute = 0, hour = 0, day = 1, month = 1, year = 0, century = 0;
    bool binary = false;    ///< register B bit 2; otherwise two decimal digits a byte
    bool day_of_24 = true;  ///< register B bit 1; otherwise bit 7 of the hour is afternoon
    bool operator==(const CmosTime&) const = default;
};

/// Seconds since 1970-01-01 00:00 UTC. Two-digit years without a century are 2000 to 2099.
/// 0 when the registers hold no date.
u64 unix_time(const CmosTime& time);

/// Where the boot pCPU and the one that is being woken pass their word.
struct SkewMeeting {
    std::atomic<u32> turn{0};    ///< odd: the boot pCPU waits for an answer
    std::atomic<u64> answer{0};  ///< the other's TSC
};

/// One question and its answer: when it was asked and answered by the boot pCPU's TSC, and what the
/// other's said in between.
struct SkewRound {
    u64 asked = 0, other = 0, answered = 0;
};

/// The skew that the fastest of the rounds shows, in ticks: the other's TSC less the boot pCPU's. 0
/// when it is no more than the round's own length can explain.
s64 skew_of(std::span<const SkewRound> rounds);

}  // namespace hv::boot
