// Interrupts and exceptions of the hypervisor's own: where each vector goes.
#include <algorithm>
#include <boot/interrupts.hpp>
#include <boot/layout.hpp>
#include <boot/panic.hpp>
#include <boot/vectors.hpp>
#include <x86/bits.hpp>
#include <x86/io_apic.hpp>
#include <x86/ports.hpp>
#include <x86/privileged.hpp>
#include <x86/traps.hpp>

namespace hv {

Cpu& this_cpu() {
    Cpu* cpu;
    asm volatile("mov %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}

LockLedger& this_ledger() { return this_cpu().ledger; }

void kick(Cpu& cpu, CpuAsk why) {
    cpu.asks.fetch_or(why, std::memory_order_release);
    if (&cpu != &this_cpu())
        cpu.machine->apic.send(cpu.apic_id, boot::kick_vector);
}

namespace boot {
namespace {

struct Handler {
    HostVector vector;
    void (*take)(Cpu& cpu);
};

/// Every interrupt that the hypervisor expects. A kick has done its work by arriving.
constexpr Handler handlers[] = {
    {console_vector,
     [](Cpu& cpu) {
         Machine& machine = *cpu.machine;
         if (machine.console.note_input() && machine.console_input)
             machine.console_input(machine);
     }},
    {timer_vector, [](Cpu& cpu) { cpu.timers.run_due(cpu); }},
    {kick_vector, [](Cpu&) {}},
};

void take_interrupt(Cpu& cpu, u64 vector) {
    if (vector == spurious_vector)
        return;
    cpu.machine->apic.end_of_interrupt();
    for (const Handler& handler : handlers)
        if (handler.vector == vector)
            return handler.take(cpu);
    print(cpu.machine->console, "An interrupt came by vector {:x}, which is nobody's.\n", vector);
}

}  // namespace

void silence_interrupts(const MachineFacts& facts) {
    x86::out8(0x21, 0xff);
    x86::out8(0xa1, 0xff);
    if (facts.io_apic.value == 0)
        return;
    x86::IoApic io_apic{io_apic_window + (facts.io_apic.value & page_mask)};
    for (u8 input = 0; input < std::min<u8>(io_apic.inputs(), 120); ++input)
        io_apic.mask(input);
}

void listen_to_console(Machine& machine) {
    const MachineFacts& facts = machine.facts;
    if (facts.io_apic.value == 0)
        return;
    x86::IoApic io_apic{io_apic_window + (facts.io_apic.value & page_mask)};
    if (facts.com1_line >= io_apic.inputs())
        return;
    io_apic.route(static_cast<u8>(facts.com1_line), console_vector, machine.cpus[0]->apic_id);
    machine.console.listen();
}

}  // namespace boot
}  // namespace hv

void handle_trap(hv::x86::TrapFrame& frame) {
    using namespace hv;
    Cpu& cpu = this_cpu();
    if (frame.vector >= 32)
        return boot::take_interrupt(cpu, frame.vector);
    if (frame.vector == x86::EXCEPTION_NMI) {
        // The only NMI that is ours says that another pCPU panics
        if (cpu.machine->panicking.load(std::memory_order_acquire))
            x86::halt_forever();
        return;
    }
    boot::panic_at(frame);
}
