// Spinlocks with a written order: in debug builds a lock taken out of turn is a panic.
#pragma once

#include <atomic>
#include <base/panic.hpp>
#include <base/types.hpp>
#include <bit>

namespace hv {

/// The one order in which locks are taken: a lock may be taken only while every lock already held
/// has a smaller rank. Two locks of one rank are never held together, except as LockRank says.
enum class LockRank : u8 {
    domain_list,  ///< who exists
    domain,       ///< one domain's life cycle and configuration
    chapter,      ///< what a later chapter hangs on a domain: its grant table, its event channels
    p2m,          ///< one domain's nested page tables
    frames,       ///< the frame allocator
    scheduler,    ///< one pCPU's run queue
    timers,       ///< one pCPU's timer queue
    shootdown,    ///< the machine's one shootdown at a time
    console,      ///< the last: anyone may print
};

/// The ranks that one pCPU holds just now: bit n is rank n, and the highest was taken last.
struct LockLedger {
    u32 held = 0;
};

/// The ledger of the pCPU (hosted: of the thread) that asks.
LockLedger& this_ledger();

/// A fair spinlock: first come, first served.
/// It does not touch the interrupt flag: a lock that an interrupt path takes is held with
/// interrupts off (InterruptsOff in x86/), and no such lock is held while waiting for another pCPU.
class Spinlock {
public:
    explicit constexpr Spinlock(LockRank rank) : rank_{rank} {}

    void lock() {
        note_taking();
        const u32 ticket = next_.fetch_add(1, std::memory_order_relaxed);
        while (serving_.load(std::memory_order_acquire) != ticket)
            relax();
    }

    void unlock() {
        note_leaving();
        serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

private:
    static void relax() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

    void note_taking() {
#if HV_DEBUG
        u32& held = this_ledger().held;
        const unsigned rank = static_cast<unsigned>(rank_);
        if (held >> rank != 0)
            panic("a lock was taken out of order: rank {} while holding rank {}", rank,
                  std::bit_width(held) - 1);
        held |= 1u << rank;
#endif
    }

    void note_leaving() {
#if HV_DEBUG
        u32& held = this_ledger().held;
        const unsigned rank = static_cast<unsigned>(rank_);
        if (held >> rank != 1)
            panic("a lock was left out of order: rank {}", rank);
        held &= ~(1u << rank);
#endif
    }

    std::atomic<u32> next_{0};
    std::atomic<u32> serving_{0};
    [[maybe_unused]] LockRank rank_;  ///< without the checks nobody asks
};

/// Holds a lock for the length of a block.
class [[nodiscard]] Guard {
public:
    explicit Guard(Spinlock& lock) : lock_{lock} { lock_.lock(); }
    ~Guard() noexcept(false) { lock_.unlock(); }  // a hosted panic throws
    Guard(const Guard&) = delete;

private:
    Spinlock& lock_;
};

}  // namespace hv
