// Descriptor tables: one pCPU's GDT and task-state segment, the machine's IDT, and the traps that
// come through it.
#pragma once

#include <array>
#include <base/types.hpp>
#include <string_view>

namespace hv::x86 {

/// Selectors of the GDT below.
inline constexpr u16 code_selector = 0x08;
inline constexpr u16 data_selector = 0x10;
inline constexpr u16 tss_selector = 0x18;

/// The 64-bit task-state segment: "64-Bit Task State Segment" in either manual. All that is used
/// are the stacks of the interrupt stack table.
struct [[gnu::packed]] TaskStateSegment {
    u32 reserved0 = 0;
    u64 rsp[3] = {};
    u64 reserved1 = 0;
    u64 ist[7] = {};  ///< ist[0] is what a gate calls IST 1
    u64 reserved2 = 0;
    u16 reserved3 = 0;
    u16 io_map = sizeof(TaskStateSegment);
};
static_assert(sizeof(TaskStateSegment) == 104);

/// One pCPU's segments.
struct CpuTables {
    std::array<u64, 5> gdt{0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0};
    TaskStateSegment tss{};

    /// Loads the GDT, the segment registers and TR. GS's base is lost: set it afterwards.
    void load();
};

/// A gate of the IDT: "64-Bit IDT Gate Descriptors".
struct Gate {
    u16 offset_low = 0;
    u16 selector = 0;
    u8 stack = 0;  ///< IST index, 0: stay on the stack
    u8 kind = 0;
    u16 offset_middle = 0;
    u32 offset_high = 0;
    u32 reserved = 0;
};
static_assert(sizeof(Gate) == 16);

/// The machine's interrupt descriptor table; every pCPU loads the same.
struct InterruptTable {
    alignas(16) std::array<Gate, 256> gates{};

    /// Points every vector at its stub; #NMI, #DF and #MC get the stacks 1, 2 and 3.
    void fill();
    void load() const;
};

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
