// Time: the clock, each pCPU's timers and heartbeat, a date as seconds, and how far TSCs are apart.
#include <algorithm>
#include <boot/machine.hpp>
#include <boot/trace.hpp>
#include <utility>
#include <x86/privileged.hpp>

namespace hv {

constexpr u64 ns_per_second = 1'000'000'000;

void Clock::calibrate(u64 frequency) {
    ticks_per_second = frequency;
    // pvclock's scale: shift the ticks so that the multiplier is a fraction with its top bit set
    to_ns_shift = 0;
    u64 scaled = frequency;
    for (; scaled > 2 * ns_per_second; scaled >>= 1)
        --to_ns_shift;
    for (; scaled <= ns_per_second; scaled <<= 1)
        ++to_ns_shift;
    // frequency * 2^shift * multiplier / 2^32 = 10^9, rounded down
    constexpr u64 numerator = ns_per_second << 32;
    to_ns_multiplier = static_cast<u32>(
        to_ns_shift < 0 ? x86::multiply_divide(numerator, 1ull << -to_ns_shift, frequency)
                        : numerator / (frequency << to_ns_shift));
}

u64 Clock::to_ticks(u64 ns) const {
    return x86::multiply_divide(ns, ticks_per_second, ns_per_second);
}

void TimerQueue::arm(Cpu& cpu, Timer& timer, u64 deadline) {
    if (timer.home != nullptr && timer.home != &cpu)
        cancel(timer);
    Guard guard{lock_};
    remove(timer);
    timer.deadline = std::min(deadline, farthest);
    timer.armed_on = timer.home = &cpu;
    queue_.insert(timer);
    if (nearest() < programmed_)
        set_hardware_timer(cpu, programmed_ = nearest());
}

void TimerQueue::cancel(Timer& timer) {
    Cpu* const home = timer.home;
    if (home == nullptr)
        return;
    TimerQueue& queue = home->timers;
    for (;;) {
        {
            Guard guard{queue.lock_};
            queue.remove(timer);
        }
        // The hardware may still fire for it: that finds nothing due, and sets itself anew
        if (&this_cpu() == home || queue.running_.load(std::memory_order_acquire) != &timer)
            return;
        // Its action runs over there, and may arm it again before it ends
        while (queue.running_.load(std::memory_order_acquire) == &timer)
            x86::pause();
    }
}

void TimerQueue::run_due(Cpu& cpu) {
    // What an action arms anew waits for the next interrupt, so that this one ends
    const u64 now = cpu.machine->clock.now();
    while (Timer* due = take_due(cpu, now)) {
        due->action(*due, cpu);
        running_.store(nullptr, std::memory_order_release);
    }
}

/// The first timer whose deadline has passed, taken out of the queue; nullptr when there is none:
/// then the hardware is set for the next.
Timer* TimerQueue::take_due(Cpu& cpu, u64 now) {
    Guard guard{lock_};
    if (nearest() > now) {
        set_hardware_timer(cpu, programmed_ = nearest());
        return nullptr;
    }
    Timer& first = *queue_.begin();
    remove(first);
    running_.store(&first, std::memory_order_release);
    return &first;
}

void TimerQueue::remove(Timer& timer) {
    // Whoever armed it on another pCPU in the meantime has it in the queue there
    const Cpu* const armed_on = timer.armed_on;
    if (armed_on == nullptr || &armed_on->timers != this)
        return;
    queue_.erase(queue_.iterator_to(timer));
    timer.armed_on = nullptr;
}

u64 TimerQueue::nearest() const { return queue_.empty() ? never : queue_.begin()->deadline; }

namespace {

/// Counts this tick, and looks at the next pCPU's count: says so once when that has stood still for
/// too many of our ticks.
void tick(Timer&, Cpu& cpu) {
    Heartbeat& mine = cpu.heartbeat;
    mine.count.fetch_add(1, std::memory_order_relaxed);

    const Machine& machine = *cpu.machine;
    const Cpu& neighbour = *machine.cpus[(cpu.number + 1u) % machine.cpu_count];
    const u64 count = neighbour.heartbeat.count.load(std::memory_order_relaxed);
    if (std::exchange(mine.neighbour_count, count) != count)
        mine.neighbour_missed = 0;
    else if (++mine.neighbour_missed == Heartbeat::patience)
        tell(cpu, boot::tick_lost, owner_hypervisor, neighbour.number, Heartbeat::patience);
    start_heartbeat(cpu);
}

}  // namespace

Heartbeat::Heartbeat() : timer{tick} {}

void start_heartbeat(Cpu& cpu) {
    cpu.timers.arm(cpu, cpu.heartbeat.timer, cpu.machine->clock.now() + Heartbeat::period);
}

namespace boot {

u64 unix_time(const CmosTime& time) {
    const auto number = [&](u8 byte) -> u64 {
        return time.binary ? byte : (byte >> 4) * 10u + (byte & 15u);
    };
    u64 hour = number(time.hour);
    if (!time.day_of_24)
        hour = number(time.hour & 0x7f) % 12 + (time.hour & 0x80 ? 12 : 0);
    const u64 century = number(time.century);
    const u64 year = (century >= 19 && century <= 21 ? century : 20) * 100 + number(time.year);
    const u64 month = number(time.month), day = number(time.day);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || year < 1970)
        return 0;

    // Days since 1970-01-01, with the year beginning in March so that its last day is the odd one
    const u64 y = month > 2 ? year : year - 1;
    const u64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const u64 days = y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
    return ((days * 24 + hour) * 60 + number(time.minute)) * 60 + number(time.second);
}

s64 skew_of(std::span<const SkewRound> rounds) {
    u64 shortest = ~0ull;
    s64 skew = 0;
    for (const SkewRound& round : rounds) {
        const u64 length = round.answered - round.asked;
        if (length >= shortest)
            continue;
        shortest = length;
        skew = static_cast<s64>(round.other - (round.asked + length / 2));
    }
    const u64 size = skew < 0 ? 0 - static_cast<u64>(skew) : static_cast<u64>(skew);
    return size <= shortest / 2 + 1 ? 0 : skew;
}

}  // namespace boot
}  // namespace hv
