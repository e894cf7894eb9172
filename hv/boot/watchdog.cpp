// The watchdog: every pCPU ticks once a second, and looks whether its neighbour did.
#include <boot/machine.hpp>
#include <boot/trace.hpp>

namespace hv {
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
