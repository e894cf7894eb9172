// One pCPU's timers: a queue of deadlines, and the one hardware timer behind it.
#include <algorithm>
#include <boot/machine.hpp>
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

}  // namespace hv
