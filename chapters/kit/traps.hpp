// Interrupts and exceptions: the table, and who is called for which vector.
#pragma once

#include "types.hpp"

namespace kit {

/// What trap_common leaves on the stack, lowest address first.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8;
    u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};

using TrapHandler = void (*)(TrapFrame& frame);

/// Loads the interrupt table. An exception without a handler prints itself and crashes the domain.
void traps_init();

/// For the handler that ends a sleep: steps over the HLT that the interrupt came before. After STI
/// none should come there, but QEMU forgets that when it enters a guest, under Xen too.
inline void end_sleep(TrapFrame& frame) {
    constexpr u8 hlt = 0xf4;
    if (*reinterpret_cast<const u8*>(frame.rip) == hlt) frame.rip++;
}

/// Calls `handler`, interrupts off, whenever `vector` (0..255) is raised.
void on_trap(u8 vector, TrapHandler handler);

}  // namespace kit
