// The ends of a machine: a panic that stops all and says where it was, power-off, and reset.
#include <algorithm>
#include <boot/start.hpp>
#include <string.h>
#include <x86/bits.hpp>
#include <x86/privileged.hpp>

extern "C" const char image_start[], text_end[], symbols_start[];

namespace hv {
namespace {

constexpr unsigned longest_backtrace = 24;

/// Stops every other pCPU where it is, and begins to speak. Only the first to panic gets past this.
Cpu& begin_panic() {
    x86::disable_interrupts();
    Cpu& cpu = this_cpu();
    Machine& machine = *cpu.machine;
    if (machine.panicking.exchange(true, std::memory_order_acq_rel))
        x86::halt_forever();
    for (Cpu* other : std::span{machine.cpus}.first(machine.cpu_count))
        if (other != &cpu)
            machine.apic.send_nmi(other->apic_id);
    machine.console.break_lock();
    print(machine.console, "\nI panic on pCPU {}: ", cpu.number);
    return cpu;
}

bool in_text(u64 address) {
    return address >= reinterpret_cast<u64>(image_start) &&
           address < reinterpret_cast<u64>(text_end);
}

/// The table of names that the second link puts at the image's end begins with its count; then that
/// many of these, ascending; then the names.
struct NameRow {
    u32 offset;  ///< of the function, from the image's start
    u32 name;    ///< of its NUL-terminated name, from the table's start
};

/// Says an address, and how far into which function it is: "?" for one that has no name.
void print_place(Sink& sink, u64 address) {
    u32 count = 0;
    if (in_text(address))
        memcpy(&count, symbols_start, sizeof count);
    const std::span rows{reinterpret_cast<const NameRow*>(symbols_start + sizeof count), count};

    // The last function that begins at or below the address
    const u64 offset = address - reinterpret_cast<u64>(image_start);
    const auto after = std::upper_bound(rows.begin(), rows.end(), offset,
                                        [](u64 at, const NameRow& row) { return at < row.offset; });
    if (after == rows.begin())
        return print(sink, "    {:x} ?\n", address);
    const NameRow& row = after[-1];
    print(sink, "    {:x} {}+{:x}\n", address, symbols_start + row.name, offset - row.offset);
}

/// True when two words at `frame` lie in one of this pCPU's stacks, where they can be read.
bool readable(u64 frame, const Cpu& cpu) {
    for (u8 use = 0; use < boot::stack_uses; ++use) {
        const u64 top = boot::stack_top(cpu.number, use);
        if (frame >= top - boot::stack_bytes && frame + 16 <= top)
            return frame % 8 == 0;
    }
    return false;
}

/// Follows the chain of frame pointers: each frame holds its caller's, then the return address.
void print_backtrace(Sink& sink, u64 frame, const Cpu& cpu) {
    for (unsigned depth = 0; depth < longest_backtrace && readable(frame, cpu); ++depth) {
        const u64* words = reinterpret_cast<const u64*>(frame);
        if (!in_text(words[1]))
            return;
        print_place(sink, words[1]);
        if (words[0] <= frame)
            return;
        frame = words[0];
    }
}

void print_registers(Sink& sink, const x86::TrapFrame& f) {
    print(sink, "  rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}\n", f.rax, f.rbx, f.rcx, f.rdx);
    print(sink, "  rsi {:016x} rdi {:016x} rbp {:016x} rsp {:016x}\n", f.rsi, f.rdi, f.rbp, f.rsp);
    print(sink, "  r8  {:016x} r9  {:016x} r10 {:016x} r11 {:016x}\n", f.r8, f.r9, f.r10, f.r11);
    print(sink, "  r12 {:016x} r13 {:016x} r14 {:016x} r15 {:016x}\n", f.r12, f.r13, f.r14, f.r15);
    print(sink, "  rip {:016x} flags {:x} cr2 {:x} cr3 {:x}\n", f.rip, f.rflags, x86::read_cr2(),
          x86::read_cr3());
}

/// Names the stack beneath which `address` is in the guard page, if that is so.
void print_full_stack(Sink& sink, u64 address, const Cpu& cpu) {
    static constexpr const char* names[] = {"ordinary", "NMI", "double fault", "machine check"};
    for (u8 use = 0; use < boot::stack_uses; ++use)
        if (align_down(address, page_size) == boot::stack_guard(cpu.number, use))
            print(sink, "  The {} stack is full: {:x} is in the guard page beneath it.\n",
                  names[use], address);
}

[[noreturn]] void end_panic(Sink& sink, u64 frame, const Cpu& cpu) {
    print_backtrace(sink, frame, cpu);
    sink.write("I halt.\n");
    x86::halt_forever();
}

// "PM1 Control Registers Fixed Hardware Feature Control Bits"
constexpr u16 SCI_EN = 1 << 0, SLP_EN = 1 << 13;
constexpr unsigned SLP_TYP_shift = 10;

/// Gives a device `turns` port reads' worth of time, about a microsecond each, until it is `done`.
void wait_until(unsigned turns, auto&& done) {
    for (unsigned i = 0; i < turns && !done(); ++i)
        x86::in8(0x80);
}

/// Writes to a port that may reset the machine, and waits a while for that.
void try_reset(u16 port, u8 value) {
    x86::out8(port, value);
    wait_until(10'000, [] { return false; });
}

void write_sleep(u16 port, u16 type) {
    if (port == 0)
        return;
    const u32 kept = x86::in(port, 2) & ~(7 << SLP_TYP_shift | SLP_EN);
    x86::out(port, 2, kept | type << SLP_TYP_shift | SLP_EN);
}

}  // namespace

void boot::panic_at(const x86::TrapFrame& frame) {
    const Cpu& cpu = begin_panic();
    Console& console = cpu.machine->console;
    print(console, "{}, error code {:x}.\n", x86::exception_name(frame.vector), frame.error_code);
    if (frame.vector == x86::EXCEPTION_DF || frame.vector == x86::EXCEPTION_PF)
        print_full_stack(console, x86::read_cr2(), cpu);
    print_registers(console, frame);
    console.write("  Where I was, and how I came there:\n");
    print_place(console, frame.rip);
    end_panic(console, frame.rbp, cpu);
}

void panic_with(std::string_view format, std::span<const Argument> arguments) {
    const Cpu& cpu = begin_panic();
    Console& console = cpu.machine->console;
    print_to(console, format, arguments);
    console.write(".\n  How I came there:\n");
    end_panic(console, reinterpret_cast<u64>(__builtin_frame_address(0)), cpu);
}

[[gnu::noinline]] void boot::break_on_purpose() {
    // A frame of its own, so that the backtrace goes on from here
    asm volatile("" ::"r"(__builtin_frame_address(0)));
    *reinterpret_cast<volatile u8*>(reinterpret_cast<u64>(image_start)) = 0;
}

void boot::power_off(const MachineFacts& facts) {
    x86::disable_interrupts();
    if (facts.soft_off && facts.pm1a_control != 0) {
        // Firmware may still hold the power registers: ask for ACPI mode first
        const auto enabled = [&] { return (x86::in(facts.pm1a_control, 2) & SCI_EN) != 0; };
        if (!enabled() && facts.smi_command_port != 0 && facts.acpi_enable_value != 0) {
            x86::out8(facts.smi_command_port, facts.acpi_enable_value);
            wait_until(300'000, enabled);
        }
        write_sleep(facts.pm1a_control, facts.soft_off->a);
        write_sleep(facts.pm1b_control, facts.soft_off->b);
    }
    x86::halt_forever();
}

void boot::reset(const MachineFacts& facts) {
    x86::disable_interrupts();
    if (facts.reset_port != 0)
        try_reset(facts.reset_port, facts.reset_value);

    // The chipset's reset control: hard reset, then go
    x86::out8(0xcf9, 0x02);
    try_reset(0xcf9, 0x06);

    // The keyboard controller's line to the processor's reset pin
    wait_until(10'000, [] { return (x86::in8(0x64) & 2) == 0; });
    try_reset(0x64, 0xfe);

    // No interrupt table: the first exception cannot be delivered, nor can the second
    x86::load_empty_interrupt_table();
    asm volatile("int3");
    x86::halt_forever();
}

}  // namespace hv
