// The hypervisor's waking, from the first line of C++ to the last chapter's opening.
#include <algorithm>
#include <boot/start.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

extern "C" const char image_start[], image_end[];

namespace hv::boot {
namespace {

/// Says machine.refusal in one line, and halts.
[[noreturn]] void give_up(Machine& machine) {
    print(machine.console, "I cannot go on: {}.\n", machine.refusal.view());
    x86::halt_forever();
}

/// The boot module must lie in RAM: it is read through the direct map.
void check_module(Machine& machine) {
    MachineFacts& facts = machine.facts;
    if (facts.module_bytes == 0)
        return;
    const Mpa start = facts.module_start, end = start + facts.module_bytes;
    for (const MemoryRange& range : facts.ranges())
        if (range.usable() && range.start <= start && start < end && end <= range.end())
            return tell(*machine.cpus[0], module_found, owner_hypervisor, facts.module_bytes,
                        start.value);
    print(machine.console, "The boot module at {:x} is not in RAM; I go on without it.\n", start);
    facts.module_bytes = 0;
}

/// Opens the screen, if there is one below `reach`, the end of what the present tables show.
void open_screen(Machine& machine, u64 reach) {
    const FrameBuffer& screen = machine.facts.screen;
    if (screen.usable() && fits(screen.start.value, screen.bytes(), reach))
        machine.console.show(screen, machine.memory.at(screen.start));
}

/// Reads everything that firmware and loader left, before any of it can be overwritten.
void survey(Machine& machine, Cpu& cpu, const Handover& handover) {
    MachineFacts& facts = machine.facts;
    facts.image_start = handover.image;
    facts.image_end = handover.image + static_cast<u64>(image_end - image_start);

    LoaderFacts raw;
    if (const char* complaint = read_handover(machine.memory, handover, raw, facts)) {
        machine.refusal.write(complaint);
        give_up(machine);
    }
    tell(cpu, woken, owner_hypervisor, facts.image_end - facts.image_start, facts.image_start.value,
         facts.image_end.value);
    facts.command_line.write(raw.command_line);
    print(machine.console, "I was loaded by {}, with the words \"{}\".\n", facts.loader,
          facts.command_line.view());
    read_options(machine.options, facts.command_line.view(), machine.console);
    if (machine.options.help)
        list_options(machine.console);

    if (!order_memory_map(raw.memory_map(), facts))
        print(machine.console, "The firmware's map has more than {} lines; I leave out the rest.\n",
              facts.memory_map.size());
    if (!facts.screen.usable() ||
        overlaps_ram(facts.ranges(), facts.screen.start, facts.screen.bytes()))
        facts.screen = {};
    open_screen(machine, first_tables_reach);
    tell(cpu, memory_found, owner_hypervisor, usable_bytes(facts.ranges()) / MiB,
         facts.memory_ranges, top_of_ram(facts.ranges()).value);
    check_module(machine);

    if (!read_acpi(machine.memory, x86::cpuid(1).ebx >> 24, facts))
        print(machine.console, "I found no ACPI tables: I use this pCPU alone.\n");
    tell(cpu, firmware_read, owner_hypervisor, facts.processors_found, facts.rsdp.value,
         facts.pm1a_control, facts.reset_port);
}

/// What only the boot pCPU does: traps, interrupts, the clock, and then the other pCPUs.
void set_up_machine(Machine& machine, Cpu& cpu) {
    machine.interrupts.fill();
    machine.fpu = x86::find_fpu();
    machine.apic.find(local_apic_window);
    set_up_this_cpu(cpu);
    silence_interrupts(machine.facts);
    calibrate(machine);
    machine.apic.set_timer(timer_vector, machine.timer.by_tsc_deadline);
    tell(cpu, clock_set, owner_hypervisor, machine.clock.ticks_per_second / 1000,
         machine.timer.apic_ticks_per_second / 1000, machine.clock.wall_seconds);
    wake_processors(machine);
}

/// Ends the boot for a chapter: with its reason, or with what the error alone can tell.
[[noreturn]] void give_up_chapter(Machine& machine, const Plug& plug, Error error) {
    // Where several pCPUs fail alike, the first one speaks
    if (machine.panicking.exchange(true, std::memory_order_acq_rel))
        x86::halt_forever();
    if (machine.refusal.view().empty())
        print(machine.refusal, "the chapter {} does not open, by error {} ({} frames are free)",
              plug.title, static_cast<unsigned>(error.code), machine.frames.free_count());
    give_up(machine);
}

/// Asks each chapter in turn to do its part, where it has one; ends the boot when one fails.
template <class Part, class... Arguments>
void ask_chapters(Machine& machine, Part Plug::*part, Arguments&... arguments) {
    for (const Plug* plug : machine.plugs)
        if (plug->*part)
            if (const auto done = (plug->*part)(arguments...); !done)
                give_up_chapter(machine, *plug, done.error());
}

/// The second half, on a stack with a guard: the machine, then the chapters.
void wake_further(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    set_up_machine(machine, cpu);
    ask_chapters(machine, &Plug::open, machine, cpu);
    listen_to_console(machine);
    meet(cpu);
    open_chapters_here(cpu);
    ask_chapters(machine, &Plug::start, machine, cpu);
    work_for_ever(cpu);
}

}  // namespace

void wake(Machine& machine, Cpu& cpu, std::span<const Plug* const> plugs,
          const Handover& handover) {
    x86::write_msr(x86::IA32_GS_BASE, reinterpret_cast<u64>(&cpu));
    cpu.machine = &machine;
    cpu.online = true;
    machine.cpus[0] = &cpu;
    machine.cpu_count = 1;
    machine.plugs = plugs;
    machine.memory = PhysicalMemory{reinterpret_cast<u8*>(direct_map), first_tables_reach};
    machine.console.open();
    open_trace(cpu, machine.first_trace.data(), sizeof machine.first_trace);

    survey(machine, cpu, handover);
    const u64 cpus = std::min<u64>(machine.facts.apic_count, machine.options.cpus);
    if (!settle(machine, cpus)) {
        print(machine.refusal, "{} MiB of RAM are too little for me and the boot module of {} MiB: "
              "4 MiB beside it would do", usable_bytes(machine.facts.ranges()) / MiB,
              machine.facts.module_bytes / MiB);
        give_up(machine);
    }
    open_screen(machine, ~0ull);
    // On with a stack that has a guard beneath it
    asm volatile("mov %0, %%rsp; xor %%ebp, %%ebp; call *%1; ud2"
                 ::"r"(stack_top(0, stack_ordinary)), "r"(wake_further), "D"(&cpu) : "memory");
    __builtin_unreachable();
}

void open_chapters_here(Cpu& cpu) {
    ask_chapters(*cpu.machine, &Plug::open_cpu, cpu);
    meet(cpu);
    if (cpu.machine->options.panic_cpu == cpu.number)
        break_on_purpose();
}

void work_for_ever(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    meet(cpu);
    if (machine.work) {
        start_heartbeat(cpu);
        machine.work(cpu);
    }
    if (cpu.number == 0) {
        tell(cpu, powering_off, owner_hypervisor, machine.clock.now() / 1'000'000);
        power_off(machine.facts);
    }
    x86::halt_forever();
}

}  // namespace hv::boot
