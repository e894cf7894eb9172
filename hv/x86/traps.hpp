// Traps: what the stubs of traps.S push, and the name of each exception.
#pragma once

#include <base/types.hpp>
#include <string_view>

namespace hv::x86 {

/// The registers as they were when an interrupt or exception came, as traps.S lays them down.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8;
    u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};

inline constexpr unsigned trap_stub_size = 16;
extern "C" const char trap_stubs[];  ///< 256 stubs of 16 bytes

/// "#PF page fault" for 14; empty for vectors that are not exceptions.
std::string_view exception_name(u64 vector);

}  // namespace hv::x86

/// What every stub calls; boot/interrupts.cpp defines it.
extern "C" void handle_trap(hv::x86::TrapFrame& frame);
