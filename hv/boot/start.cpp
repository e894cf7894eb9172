// The hypervisor's waking, from the first line of C++ to the last chapter's opening.
#include <algorithm>
#include <boot/acpi.hpp>
#include <boot/layout.hpp>
#include <boot/power.hpp>
#include <boot/settle.hpp>
#include <boot/start.hpp>
#include <boot/trace.hpp>
#include <x86/cpuid.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

extern "C" const char image_start[], image_end[];

namespace hv::boot {
namespace {

/// What the second half of waking needs; it lies on the first stack, which is part of the image.
struct Waking {
    Machine& machine;
    Cpu& cpu;
    std::span<const Plug* const> plugs;
};

u32 own_apic_id() { return x86::cpuid(1).ebx >> 24; }

/// The boot module must lie in RAM: it is read through the direct map.
void check_module(Machine& machine) {
    MachineFacts& facts = machine.facts;
    if (facts.module_bytes == 0)
        return;
    const Mpa start = facts.module_start, end = start + facts.module_bytes;
    for (const MemoryRange& range : facts.ranges())
        if (range.kind == MemoryRange::Kind::usable && range.start <= start && start < end &&
            end <= range.start + range.bytes)
            return tell(machine.cpus[0] ? *machine.cpus[0] : this_cpu(), module_found,
                        owner_hypervisor, facts.module_bytes, start.value);
    print(machine.console, "The boot module at {:x} is not in RAM; I go on without it.\n", start);
    facts.module_bytes = 0;
}

/// Reads everything that firmware and loader left, before any of it can be overwritten.
void survey(Machine& machine, Cpu& cpu, const Handover& handover) {
    MachineFacts& facts = machine.facts;
    facts.image_start = handover.image;
    facts.image_end = handover.image + static_cast<u64>(image_end - image_start);

    LoaderFacts raw;
    if (!read_handover(machine.memory, handover, raw, facts))
        give_up(machine, raw.complaint);
    tell(cpu, woken, owner_hypervisor, facts.image_end - facts.image_start, facts.image_start.value,
         facts.image_end.value);
    print(machine.console, "I was loaded by {}, with the words \"{}\".\n", facts.loader,
          raw.command_line);
    read_options(machine.options, raw.command_line, machine.console);
    if (machine.options.help)
        list_options(machine.console);

    if (!order_memory_map(raw.memory_map(), facts))
        print(machine.console, "The firmware's map has more than {} lines; I leave out the rest.\n",
              facts.memory_map.size());
    tell(cpu, memory_found, owner_hypervisor, usable_bytes(facts.ranges()) / MiB,
         facts.memory_ranges, top_of_ram(facts.ranges()).value);
    check_module(machine);

    if (!read_acpi(machine.memory, own_apic_id(), facts))
        print(machine.console, "I found no ACPI tables: I use this pCPU alone.\n");
    tell(cpu, firmware_read, owner_hypervisor, facts.processors_found, facts.rsdp.value,
         facts.pm1a_control, facts.reset_port);
}

/// Loads this pCPU's segments, stacks for traps, and the machine's interrupt table.
void load_tables(Cpu& cpu) {
    cpu.tables.tss.ist[0] = stack_top(cpu.number, stack_nmi);
    cpu.tables.tss.ist[1] = stack_top(cpu.number, stack_double_fault);
    cpu.tables.tss.ist[2] = stack_top(cpu.number, stack_machine_check);
    cpu.tables.load();
    x86::write_msr(x86::IA32_GS_BASE, reinterpret_cast<u64>(&cpu));
    cpu.machine->interrupts.load();
}

/// The second half, on a stack with a guard: traps, then the chapters.
void wake_further(void* argument) {
    const Waking waking = *static_cast<Waking*>(argument);
    Machine& machine = waking.machine;
    machine.interrupts.fill();
    load_tables(waking.cpu);

    for (const Plug* plug : waking.plugs)
        if (plug->open && !plug->open(machine, waking.cpu))
            give_up(machine, plug->title);
    for (const Plug* plug : waking.plugs)
        if (plug->open_cpu && !plug->open_cpu(waking.cpu))
            give_up(machine, plug->title);
    if (machine.work)
        machine.work(waking.cpu);
    tell(waking.cpu, powering_off, owner_hypervisor, 0);
    power_off(machine.facts);
}

}  // namespace

void wake(Machine& machine, Cpu& cpu, std::span<const Plug* const> plugs,
          const Handover& handover) {
    x86::write_msr(x86::IA32_GS_BASE, reinterpret_cast<u64>(&cpu));
    cpu.machine = &machine;
    cpu.online = true;
    machine.cpus[0] = &cpu;
    machine.cpu_count = 1;
    machine.memory = PhysicalMemory{reinterpret_cast<u8*>(direct_map), first_tables_reach};
    machine.console.open();

    survey(machine, cpu, handover);
    const unsigned cpus = std::min<unsigned>(machine.facts.apic_count, machine.options.cpus);
    if (!settle(machine, cpus))
        give_up(machine, "there is too little memory; 64 MiB are enough");
    Waking waking{machine, cpu, plugs};
    call_on_stack(stack_top(0, stack_ordinary), wake_further, &waking);
}

void give_up(Machine& machine, std::string_view why) {
    print(machine.console, "I cannot go on: {}.\n", why);
    x86::halt_forever();
}

}  // namespace hv::boot
