// The other pCPUs: woken one by one, each until it has its own stack, tables and clock skew.
#include <algorithm>
#include <boot/start.hpp>
#include <string.h>
#include <x86/bits.hpp>
#include <x86/msr.hpp>
#include <x86/privileged.hpp>

extern "C" const char image_start[], boot_gdt[], secondary_entry[], secondary_high[],
    trampoline_start[], trampoline_orders[], trampoline_end[];

namespace hv::boot {
namespace {

/// The highest whole page of usable RAM below the old video memory; 0 when there is none.
Mpa find_low_page(const MachineFacts& facts) {
    Mpa best{};
    for_each_free(facts.ranges(), {}, [&](Mpa start, Mpa end) {
        end = std::min(end, Mpa{0xa0000});
        if (end >= start + page_size)
            best = end - page_size;
    });
    return best;
}

/// What trampoline.S finds at the end of its page.
struct [[gnu::packed]] Orders {
    u16 gdt_limit = 31;
    u32 gdt;              ///< machine address of the GDT that the boot pCPU climbed with
    u32 entry;            ///< machine address of secondary_entry, and its code segment
    u16 code_segment = 16;
    u32 image;            ///< machine address of the image
    u64 go_on;            ///< where 64-bit code begins
    u64 root, stack, cpu; ///< what that loads: CR3, its stack, and its argument
};
static_assert(sizeof(Orders) == 48);

/// Copies the trampoline to `page`, ready to bring `cpu` up.
void lay_trampoline(Machine& machine, Mpa page, Cpu& cpu) {
    const MachineFacts& facts = machine.facts;
    const auto below_4g = [&](const char* symbol) {
        return static_cast<u32>(facts.image_start.value + static_cast<u64>(symbol - image_start));
    };
    const Orders orders{.gdt = below_4g(boot_gdt),
                        .entry = below_4g(secondary_entry),
                        .image = below_4g(image_start),
                        .go_on = reinterpret_cast<u64>(secondary_high),
                        .root = facts.host_tables.value,
                        .stack = stack_top(cpu.number, stack_ordinary),
                        .cpu = reinterpret_cast<u64>(&cpu)};
    u8* copy = machine.memory.at(page);
    memcpy(copy, trampoline_start, static_cast<size_t>(trampoline_end - trampoline_start));
    memcpy(copy + (trampoline_orders - trampoline_start), &orders, sizeof orders);
}

/// True when `cpu` comes online within `ns`.
bool wait_online(const Machine& machine, const Cpu& cpu, u64 ns) {
    const u64 end = machine.clock.now() + ns;
    while (!__atomic_load_n(&cpu.online, __ATOMIC_ACQUIRE)) {
        if (machine.clock.now() > end)
            return false;
        x86::pause();
    }
    return true;
}

/// INIT, then up to two startup messages: "Typical BSP Initialization Sequence" of Intel's manual.
bool start_processor(Machine& machine, Cpu& cpu, Mpa page) {
    const auto number = static_cast<u8>(page.value >> page_shift);
    machine.apic.send_init(cpu.apic_id);
    wait_online(machine, cpu, 10'000'000);
    machine.apic.send_startup(cpu.apic_id, number);
    if (wait_online(machine, cpu, 1'000'000))
        return true;
    machine.apic.send_startup(cpu.apic_id, number);
    return wait_online(machine, cpu, 1'000'000'000);
}

constexpr unsigned skew_rounds = 8;

/// The boot pCPU's half of measuring how far a waking pCPU's TSC is from its own.
s64 measure_skew(SkewMeeting& meeting) {
    std::array<SkewRound, skew_rounds> rounds;
    for (SkewRound& round : rounds) {
        const u32 turn = meeting.turn.load(std::memory_order_relaxed);
        round.asked = x86::read_tsc();
        meeting.turn.store(turn + 1, std::memory_order_release);
        while (meeting.turn.load(std::memory_order_acquire) != turn + 2)
            x86::pause();
        round.answered = x86::read_tsc();
        round.other = meeting.answer.load(std::memory_order_relaxed);
    }
    return skew_of(rounds);
}

/// The waking pCPU's half.
void answer_skew(SkewMeeting& meeting) {
    for (unsigned i = 0; i < skew_rounds; ++i) {
        u32 turn;
        while (!((turn = meeting.turn.load(std::memory_order_acquire)) & 1))
            x86::pause();
        meeting.answer.store(x86::read_tsc(), std::memory_order_relaxed);
        meeting.turn.store(turn + 1, std::memory_order_release);
    }
}

}  // namespace

void wake_processors(Machine& machine) {
    const MachineFacts& facts = machine.facts;
    const Mpa page = find_low_page(facts);
    const u64 wanted = std::min<u64>(facts.apic_count, machine.options.cpus);
    for (unsigned i = 1; i < wanted && page.value != 0; ++i) {
        const auto made = make<Cpu>(machine);
        if (!made)
            return;
        Cpu& cpu = **made;
        cpu.machine = &machine;
        cpu.number = machine.cpu_count;
        cpu.apic_id = facts.apic_ids[i];
        open_trace(cpu, machine.memory.at(machine.trace_rings) + cpu.number * machine.trace_bytes,
                   machine.trace_bytes);
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

void set_up_this_cpu(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    cpu.tables.tss.ist[0] = stack_top(cpu.number, stack_nmi);
    cpu.tables.tss.ist[1] = stack_top(cpu.number, stack_double_fault);
    cpu.tables.tss.ist[2] = stack_top(cpu.number, stack_machine_check);
    cpu.tables.load();
    x86::write_msr(x86::IA32_GS_BASE, reinterpret_cast<u64>(&cpu));
    machine.interrupts.load();
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
