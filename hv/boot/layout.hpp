// The hypervisor's own address space: what is where, the same in every run.
#pragma once

#include <base/types.hpp>

namespace hv::boot {

/// All of RAM, at a fixed distance. Writable, never executable.
inline constexpr u64 direct_map = 0xffff800000000000;
/// Device registers, uncached: the local APIC's page, then the I/O APIC's, then the screen.
inline constexpr u64 device_window = 0xffffc00000000000;
inline constexpr u64 local_apic_window = device_window;
inline constexpr u64 io_apic_window = device_window + page_size;
inline constexpr u64 screen_window = device_window + GiB;
/// The frame table: a row for each frame of the machine.
inline constexpr u64 frame_table_window = 0xffffc04000000000;
/// Stacks: one slot for each pCPU, holes between them.
inline constexpr u64 stack_window = 0xffffc08000000000;
/// The image: linked here plus 2 MiB.
inline constexpr u64 image_offset = 0xffffffff80000000;

/// What the first tables of entry.S show of memory: enough for all that loaders and firmware leave.
inline constexpr u64 first_tables_reach = 4 * GiB;

/// One pCPU's stacks, from low to high, with an unmapped page beneath each.
inline constexpr u64 stack_bytes = 16 * KiB;
inline constexpr u64 trap_stack_bytes = 8 * KiB;
inline constexpr u64 stack_slot_bytes = 128 * KiB;

/// Which stack of a slot: the ordinary one, then those that the IST names.
enum StackUse : u8 {
    stack_ordinary, stack_nmi, stack_double_fault, stack_machine_check, stack_uses
};

constexpr u64 bytes_of_stack(StackUse use) {
    return use == stack_ordinary ? stack_bytes : trap_stack_bytes;
}
/// The address just above the stack: where it begins to grow down from.
constexpr u64 stack_top(unsigned cpu, StackUse use) {
    return stack_window + cpu * stack_slot_bytes + (use + 1) * (stack_slot_bytes / stack_uses);
}
/// The unmapped page beneath the stack.
constexpr u64 stack_guard(unsigned cpu, StackUse use) {
    return stack_top(cpu, use) - bytes_of_stack(use) - page_size;
}

}  // namespace hv::boot
