// Interrupts and exceptions: builds the table and passes each trap to its handler.
#include "traps.hpp"

#include "hypercall.hpp"
#include "print.hpp"

extern "C" char trap_doors[];

namespace kit {
namespace {

constexpr u64 door_size = 16;

/// One entry of the 64-bit IDT (Intel SDM, "64-Bit IDT Gate Descriptors").
struct Gate {
    u16 offset_low, selector;
    u16 flags;
    u16 offset_middle;
    u32 offset_high, reserved;
};

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

constinit Gate table[256] = {};
constinit TrapHandler handlers[256] = {};

[[noreturn]] void die_of(const TrapFrame& frame) {
    u64 cr2;
    asm volatile("mov %%cr2, %0" : "=r"(cr2));
    print("exception {} (error {:x}) at {:x}: cr2 {:x} rsp {:x} rax {:x} rdi {:x} rsi {:x}\n",
          frame.vector, frame.error, frame.rip, cr2, frame.rsp, frame.rax, frame.rdi, frame.rsi);
    shut_down(Shutdown::crash);
}

}  // namespace

void traps_init() {
    constexpr u16 present_interrupt_gate = 0x8e00;
    for (u64 vector = 0; vector < 256; vector++) {
        u64 door = reinterpret_cast<u64>(trap_doors) + vector * door_size;
        table[vector] = {u16(door), 8, present_interrupt_gate, u16(door >> 16), u32(door >> 32), 0};
    }
    TablePointer pointer{sizeof table - 1, reinterpret_cast<u64>(table)};
    asm volatile("lidt %0" : : "m"(pointer));
}

void on_trap(u8 vector, TrapHandler handler) { handlers[vector] = handler; }

}  // namespace kit

extern "C" void kit_trap(kit::TrapFrame& frame) {
    if (auto handler = kit::handlers[frame.vector & 0xff]) return handler(frame);
    if (frame.vector < 32) kit::die_of(frame);
}
