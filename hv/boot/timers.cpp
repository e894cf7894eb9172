// One pCPU's timers, a queue before the one hardware timer; and the heartbeat that goes by them.
#include <algorithm>
#include <boot/machine.hpp>
#include <boot/trace.hpp>
#include <x86/privileged.hpp>

namespace hv {

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
    while (Timer* due = take_due(now)) {
        due->action(*due, cpu);
        running_.store(nullptr, std::memory_order_release);
    }
    Guard guard{lock_};
    set_hardware_timer(cpu, programmed_ = nearest());
}

/// The first timer whose deadline has passed, taken out of the queue; nullptr when there is none.
Timer* TimerQueue::take_due(u64 now) {
    Guard guard{lock_};
    if (queue_.empty() || queue_.begin()->deadline > now)
        return nullptr;
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

/// Looks at the next pCPU's count; says so once when it has stood still for too many of our ticks.
void watch_neighbour(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    Cpu& neighbour = *machine.cpus[(cpu.number + 1u) % machine.cpu_count];
    Heartbeat& mine = cpu.heartbeat;
    const u64 count = neighbour.heartbeat.count.load(std::memory_order_relaxed);
    if (&neighbour == &cpu || count != mine.neighbour_count) {
        mine.neighbour_count = count;
        mine.neighbour_missed = 0;
    } else if (mine.neighbour_missed < Heartbeat::patience &&
               ++mine.neighbour_missed == Heartbeat::patience) {
        tell(cpu, boot::tick_lost, owner_hypervisor, neighbour.number, Heartbeat::patience);
    }
}

void tick(Timer& timer, Cpu& cpu) {
    cpu.heartbeat.count.fetch_add(1, std::memory_order_relaxed);
    watch_neighbour(cpu);
    cpu.timers.arm(cpu, timer, cpu.machine->clock.now() + Heartbeat::period);
}

}  // namespace

Heartbeat::Heartbeat() : timer{tick} {}

void start_heartbeat(Cpu& cpu) {
    cpu.timers.arm(cpu, cpu.heartbeat.timer, cpu.machine->clock.now() + Heartbeat::period);
}

}  // namespace hv
