// The other pCPUs: woken one by one, each until it has its own stack, tables and clock skew.
#include <algorithm>
#include <boot/calibrate.hpp>
#include <boot/layout.hpp>
#include <boot/meet.hpp>
#include <boot/object.hpp>
#include <boot/processors.hpp>
#include <boot/skew.hpp>
#include <boot/trace.hpp>
#include <boot/vectors.hpp>
#include <string.h>
#include <x86/bits.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

extern "C" {
extern const char image_start[], boot_pml4[], trampoline_start[], trampoline_end[];
extern const char trampoline_base[], trampoline_far32[], trampoline_far64[], trampoline_cr3[],
    trampoline_root[], trampoline_stack[], trampoline_cpu[], trampoline_gdt_base[];
}

namespace hv::boot {
namespace {

/// The highest whole page of usable RAM below the old video memory; 0 when there is none.
Mpa find_low_page(const MachineFacts& facts) {
    Mpa best{};
    for (const MemoryRange& range : facts.ranges()) {
        const u64 end = std::min<u64>((range.start + range.bytes).value, 0xa0000);
        if (range.kind == MemoryRange::Kind::usable && end >= range.start.value + page_size &&
            end >= 2 * page_size)
            best = std::max(best, Mpa{end - page_size});
    }
    return best;
}

/// Fills in one word of the trampoline's copy at `page`.
template <class T>
void patch(const PhysicalMemory& memory, Mpa page, const char* where, T value) {
    memcpy(memory.at(page + static_cast<u64>(where - trampoline_start)), &value, sizeof value);
}

/// Adds the page's address to a word that was assembled relative to the trampoline's start.
void relocate(const PhysicalMemory& memory, Mpa page, const char* word) {
    u32 offset;
    memcpy(&offset, word, sizeof offset);
    patch(memory, page, word, static_cast<u32>(offset + page.value));
}

/// Copies the trampoline to `page`, ready to bring `cpu` up.
void lay_trampoline(Machine& machine, Mpa page, Cpu& cpu) {
    const PhysicalMemory& memory = machine.memory;
    memcpy(memory.at(page), trampoline_start,
           static_cast<size_t>(trampoline_end - trampoline_start));
    relocate(memory, page, trampoline_gdt_base);
    relocate(memory, page, trampoline_far32);
    relocate(memory, page, trampoline_far64);
    patch(memory, page, trampoline_base, static_cast<u32>(page.value));
    patch(memory, page, trampoline_cr3,
          machine.facts.image_start.value + static_cast<u64>(boot_pml4 - image_start));
    patch(memory, page, trampoline_root, machine.facts.host_tables.value);
    patch(memory, page, trampoline_stack, stack_top(cpu.number, stack_ordinary));
    patch(memory, page, trampoline_cpu, reinterpret_cast<u64>(&cpu));
}

bool wait_online(const Machine& machine, const Cpu& cpu, u64 ns) {
    const u64 start = machine.clock.now();
    while (!__atomic_load_n(&cpu.online, __ATOMIC_ACQUIRE)) {
        if (machine.clock.now() - start > ns)
            return false;
        x86::pause();
    }
    return true;
}

/// INIT, then up to two startup messages: "Typical BSP Initialization Sequence" of Intel's manual.
bool start_processor(Machine& machine, Cpu& cpu, Mpa page) {
    const auto number = static_cast<u8>(page.value >> page_shift);
    machine.apic.send_init(cpu.apic_id);
    wait_ns(machine.clock, 10'000'000);
    machine.apic.send_startup(cpu.apic_id, number);
    if (wait_online(machine, cpu, 1'000'000))
        return true;
    machine.apic.send_startup(cpu.apic_id, number);
    return wait_online(machine, cpu, 1'000'000'000);
}

}  // namespace

void wake_processors(Machine& machine) {
    const MachineFacts& facts = machine.facts;
    const Mpa page = find_low_page(facts);
    const unsigned wanted = std::min<unsigned>(facts.apic_count, machine.options.cpus);
    for (unsigned i = 1; i < wanted && page.value != 0; ++i) {
        const auto made = make<Cpu>(machine);
        if (!made)
            return;
        Cpu& cpu = **made;
        cpu.machine = &machine;
        cpu.number = machine.cpu_count;
        cpu.apic_id = facts.apic_ids[i];
        lay_trampoline(machine, page, cpu);
        machine.cpus[machine.cpu_count++] = &cpu;
        if (!start_processor(machine, cpu, page)) {
            // It may still wake, and then stops: its stack, its Cpu and the page stay as they are
            machine.cpus[--machine.cpu_count] = nullptr;
            print(machine.console, "The pCPU with APIC id {} does not wake; I use {} of {}.\n",
                  cpu.apic_id, machine.cpu_count, facts.processors_found);
            return;
        }
        cpu.tsc_skew = measure_skew(machine.skew);
        tell(*machine.cpus[0], cpu_woken, owner_hypervisor, cpu.number, cpu.apic_id,
             static_cast<u64>(cpu.tsc_skew < 0 ? -cpu.tsc_skew : cpu.tsc_skew));
    }
}

void load_tables(Cpu& cpu) {
    cpu.tables.tss.ist[0] = stack_top(cpu.number, stack_nmi);
    cpu.tables.tss.ist[1] = stack_top(cpu.number, stack_double_fault);
    cpu.tables.tss.ist[2] = stack_top(cpu.number, stack_machine_check);
    cpu.tables.load();
    x86::write_msr(x86::IA32_GS_BASE, reinterpret_cast<u64>(&cpu));
    cpu.machine->interrupts.load();
}

void set_up_this_cpu(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    x86::write_cr4(x86::read_cr4() | x86::CR4_MCE);
    x86::turn_on_fpu(machine.fpu);
    machine.apic.turn_on(spurious_vector);
    cpu.apic_id = machine.apic.id();
}

void meet(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    const u16 meeting = machine.meetings.load(std::memory_order_acquire);
    if (machine.cpus_waiting.fetch_add(1, std::memory_order_acq_rel) + 1 == machine.cpu_count) {
        // The last to come ends the meeting, and wakes those who sleep
        machine.cpus_waiting.store(0, std::memory_order_relaxed);
        machine.meetings.store(static_cast<u16>(meeting + 1), std::memory_order_release);
        for (Cpu* other : std::span{machine.cpus}.first(machine.cpu_count))
            if (other != &cpu)
                kick(*other, ask_reschedule);
        return;
    }
    while (machine.meetings.load(std::memory_order_acquire) == meeting)
        x86::sleep_until_interrupt();
}

}  // namespace hv::boot

/// The first C++ of every other pCPU: trampoline.S calls it on the pCPU's own stack.
extern "C" [[noreturn]] void start_secondary(hv::Cpu& cpu) {
    using namespace hv;
    Machine& machine = *cpu.machine;
    boot::load_tables(cpu);
    boot::set_up_this_cpu(cpu);
    machine.apic.set_timer(boot::timer_vector, machine.timer.by_tsc_deadline);
    if (machine.cpus[cpu.number] != &cpu)
        x86::halt_forever();
    __atomic_store_n(&cpu.online, true, __ATOMIC_RELEASE);
    boot::answer_skew(machine.skew);
    boot::meet(cpu);
    boot::open_chapters_here(cpu);
    boot::work_for_ever(cpu);
}
