// Interrupts and exceptions of the hypervisor's own: where each vector goes.
#include <algorithm>
#include <boot/start.hpp>
#include <optional>
#include <x86/bits.hpp>
#include <x86/privileged.hpp>

namespace hv {

LockLedger& this_ledger() { return this_cpu().ledger; }

void kick(Cpu& cpu, CpuAsk why) {
    cpu.asks.fetch_or(why, std::memory_order_release);
    if (&cpu != &this_cpu())
        cpu.machine->apic.send(cpu.apic_id, boot::kick_vector);
}

namespace boot {
namespace {

/// The machine's I/O APIC, where it has one.
std::optional<x86::IoApic> find_io_apic(const MachineFacts& facts) {
    if (facts.io_apic.value == 0)
        return {};
    return x86::IoApic{io_apic_window + (facts.io_apic.value & page_mask)};
}

void take_interrupt(Cpu& cpu, u64 vector) {
    Machine& machine = *cpu.machine;
    if (vector == spurious_vector)
        return;
    machine.apic.end_of_interrupt();
    switch (vector) {
    case console_vector:
        machine.console.note_input();
        if (machine.console_input)
            machine.console_input(machine);
        break;
    case timer_vector: cpu.timers.run_due(cpu); break;
    case kick_vector: break;  // it has done its work by arriving
    default:
        print(machine.console, "An interrupt came by vector {:x}, which is nobody's.\n", vector);
    }
}

}  // namespace

void silence_interrupts(const MachineFacts& facts) {
    x86::out8(0x21, 0xff);
    x86::out8(0xa1, 0xff);
    if (auto io_apic = find_io_apic(facts))
        for (u8 input = 0; input < std::min<u8>(io_apic->inputs(), 120); ++input)
            io_apic->mask(input);
}

void listen_to_console(Machine& machine) {
    const u32 line = machine.facts.com1_line;
    auto io_apic = find_io_apic(machine.facts);
    if (!io_apic || line >= io_apic->inputs())
        return;
    // And dom0's devices: the PS/2 keyboard, COM2, and PCI's where firmware wires them
    for (const u32 input : {line, 1u, 3u, 10u, 11u})
        io_apic->route(static_cast<u8>(input), console_vector, machine.cpus[0]->apic_id);
    machine.console.listen();
}

}  // namespace boot
}  // namespace hv

void handle_trap(hv::x86::TrapFrame& frame) {
    using namespace hv;
    Cpu& cpu = this_cpu();
    if (frame.vector >= 32)
        return boot::take_interrupt(cpu, frame.vector);
    if (frame.vector != x86::EXCEPTION_NMI)
        boot::panic_at(frame);
    // The only NMI that is ours says that another pCPU panics
    if (cpu.machine->panicking.load(std::memory_order_acquire))
        x86::halt_forever();
}
