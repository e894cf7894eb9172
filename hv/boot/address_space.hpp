// The hypervisor's own address space: what is where, the same in every run; and its page tables.
#pragma once

#include <boot/handover.hpp>
#include <x86/page_table.hpp>

namespace hv::boot {

/// All of RAM, and the screen, at a fixed distance. Writable, never executable.
inline constexpr u64 direct_map = 0xffff800000000000;
/// Device registers, uncached: the local APIC's page, then the I/O APIC's.
inline constexpr u64 local_apic_window = 0xffffc00000000000;
inline constexpr u64 io_apic_window = local_apic_window + page_size;
/// The frame table: a row for each frame of the machine.
inline constexpr u64 frame_table_window = 0xffffc04000000000;
/// Stacks: one slot for each pCPU, holes between them.
inline constexpr u64 stack_window = 0xffffc08000000000;
/// The image is linked at 0xffffffff80200000: see image.ld.

/// What the first tables of entry.S show of memory: enough for all that loaders and firmware leave.
inline constexpr u64 first_tables_reach = 4 * GiB;

/// One pCPU's stacks share a slot in equal parts: each lies at the end of its part, and what is
/// beneath it is not mapped.
inline constexpr u64 stack_bytes = 16 * KiB;
inline constexpr u64 stack_slot_bytes = 128 * KiB;

/// Which stack of a slot: the ordinary one, then those that the IST names.
enum StackUse : u8 {
    stack_ordinary, stack_nmi, stack_double_fault, stack_machine_check, stack_uses
};
/// The address just above the stack: where it begins to grow down from.
constexpr u64 stack_top(unsigned cpu, u8 use) {
    return stack_window + cpu * stack_slot_bytes + (use + 1) * (stack_slot_bytes / stack_uses);
}
/// The unmapped page beneath the stack.
constexpr u64 stack_guard(unsigned cpu, u8 use) {
    return stack_top(cpu, use) - stack_bytes - page_size;
}

/// The frames that are taken before there is a frame table: downwards from the end of one hole.
class EarlyFrames {
public:
    EarlyFrames(const PhysicalMemory& memory, Mpa start, Mpa end)
        : memory_{memory}, start_{start}, next_{end}, end_{end} {}

    /// `count` zeroed frames in one piece. XEN_ENOMEM.
    Result<Mpa> take(u64 count = 1);
    /// What has been taken so far.
    Occupied taken() const { return {next_, end_}; }

private:
    const PhysicalMemory& memory_;
    Mpa start_, next_, end_;
};

/// The tables while they are being made, through the first tables' view of memory.
class HostTables {
public:
    HostTables(const PhysicalMemory& memory, EarlyFrames& frames, bool pages_of_1g)
        : memory_{memory}, frames_{frames}, largest_order_(pages_of_1g ? 18 : 9) {}

    /// Takes the root. Once, before the first map(). XEN_ENOMEM.
    Result<> begin();
    /// Maps [physical, physical + bytes) at `address` with the largest pages that fit. All three
    /// are multiples of a page, and nothing is mapped there yet. XEN_ENOMEM.
    Result<> map(u64 address, Mpa physical, u64 bytes, x86::Access access,
                 x86::MemoryType type = x86::MemoryType::write_back);
    /// Makes the rows of all frames up to the highest that `map` calls usable, maps them at
    /// `address`, and returns how many frames they take. Rows cost only where there is RAM.
    /// XEN_ENOMEM.
    Result<u64> map_frame_table(u64 address, std::span<const MemoryRange> map);
    /// For CR3.
    Mpa root() const { return address_of(root_); }
    u64 table_count() const { return table_count_; }

    // What x86::PageTable asks of the memory that its tables are made of
    u64 read(Mpa entry) const { return *memory_.as<u64>(entry); }
    void write(Mpa entry, u64 value) { *memory_.as<u64>(entry) = value; }
    Result<Mfn> take_table();
    void give_back_table(Mfn) {}

private:
    Result<Mpa> take_rows();

    const PhysicalMemory& memory_;
    EarlyFrames& frames_;
    u8 largest_order_;  ///< of the largest page: 9 for 2 MiB, 18 for 1 GiB
    Mfn root_{};
    u64 table_count_ = 0;
};

}  // namespace hv::boot
