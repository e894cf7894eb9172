// The end of a machine: stopping the others, and saying where it ended.
#include <boot/layout.hpp>
#include <boot/panic.hpp>
#include <boot/symbols.hpp>
#include <x86/bits.hpp>
#include <x86/privileged.hpp>

extern "C" const char image_start[], text_end[];

namespace hv {
namespace boot {
namespace {

constexpr unsigned longest_backtrace = 24;

/// Stops every other pCPU where it is. Only the first to panic gets past this.
void stop_the_others(Cpu& cpu) {
    Machine& machine = *cpu.machine;
    if (machine.panicking.exchange(true, std::memory_order_acq_rel))
        x86::halt_forever();
    for (Cpu* other : std::span{machine.cpus}.first(machine.cpu_count))
        if (other != &cpu)
            machine.apic.send_nmi(other->apic_id);
    machine.console.break_lock();
}

void print_place(Sink& sink, u64 address) {
    const Place place = find_place(address);
    print(sink, "    {:x} {}+{:x}\n", address, place.name, place.offset);
}

bool in_text(u64 address) {
    return address >= reinterpret_cast<u64>(image_start) &&
           address < reinterpret_cast<u64>(text_end);
}

/// True when two words at `frame` lie in the stacks or in the image, where they can be read.
bool readable(u64 frame, const Cpu& cpu) {
    if (frame % 8 != 0)
        return false;
    for (u8 use = 0; use < stack_uses; ++use) {
        const u64 top = stack_top(cpu.number, static_cast<StackUse>(use));
        if (frame >= top - bytes_of_stack(static_cast<StackUse>(use)) && frame + 16 <= top)
            return true;
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

/// The guard page beneath which stack, if `address` lies in one of this pCPU's.
const char* guarded_stack(u64 address, const Cpu& cpu) {
    static constexpr const char* names[] = {"ordinary", "NMI", "double fault", "machine check"};
    for (u8 use = 0; use < stack_uses; ++use)
        if (align_down(address, page_size) == stack_guard(cpu.number, static_cast<StackUse>(use)))
            return names[use];
    return nullptr;
}

}  // namespace

void panic_at(const x86::TrapFrame& frame) {
    x86::disable_interrupts();
    Cpu& cpu = this_cpu();
    Console& console = cpu.machine->console;
    stop_the_others(cpu);
    print(console, "\nI panic on pCPU {}: {}, error code {:x}.\n", cpu.number,
          x86::exception_name(frame.vector), frame.error_code);
    if (const char* stack = guarded_stack(x86::read_cr2(), cpu);
        stack && (frame.vector == x86::EXCEPTION_DF || frame.vector == x86::EXCEPTION_PF))
        print(console, "  The {} stack is full: {:x} is in the guard page beneath it.\n", stack,
              x86::read_cr2());
    print_registers(console, frame);
    console.write("  Where I was, and how I came there:\n");
    print_place(console, frame.rip);
    print_backtrace(console, frame.rbp, cpu);
    console.write("I halt.\n");
    x86::halt_forever();
}

[[gnu::noinline]] void break_on_purpose() {
    // A frame of its own, so that the backtrace goes on from here
    asm volatile("" ::"r"(__builtin_frame_address(0)));
    *reinterpret_cast<volatile u8*>(reinterpret_cast<u64>(image_start)) = 0;
}

}  // namespace boot

void panic_with(std::string_view format, std::span<const Argument> arguments) {
    x86::disable_interrupts();
    Cpu& cpu = this_cpu();
    Console& console = cpu.machine->console;
    boot::stop_the_others(cpu);
    print(console, "\nI panic on pCPU {}: ", cpu.number);
    print_to(console, format, arguments);
    console.write(".\n  How I came there:\n");
    boot::print_backtrace(console, reinterpret_cast<u64>(__builtin_frame_address(0)), cpu);
    console.write("I halt.\n");
    x86::halt_forever();
}

}  // namespace hv
