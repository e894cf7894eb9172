// The hosted twin of the machine: threads play pCPUs, devices are silent.
#include <boot/hosted/twin.hpp>
#include <boot/start.hpp>

namespace hv {
namespace {

// Not the machine's state: which part of it a thread of the process plays just now
thread_local Cpu* played = nullptr;
thread_local std::string* heard = nullptr;

}  // namespace

void play(Cpu* cpu) { played = cpu; }
void hear(std::string* line) { heard = line; }

Cpu& this_cpu() {
    if (!played)
        throw Panic{"no pCPU is played on this thread"};
    return *played;
}

void kick(Cpu& cpu, CpuAsk why) { cpu.asks.fetch_or(why, std::memory_order_release); }

void set_hardware_timer(Cpu&, u64) {}

void Console::open() {}
void Console::listen() {}
void Console::emit(std::string_view text) {
    if (heard)
        heard->append(text);
}
void Console::take_input() {}

void boot::power_off(const MachineFacts&) { throw Panic{"the machine powered off"}; }
void boot::reset(const MachineFacts&) { throw Panic{"the machine was reset"}; }

}  // namespace hv
