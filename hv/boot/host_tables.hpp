// The hypervisor's own page tables: made once at boot, and never changed afterwards.
#pragma once

#include <boot/memory_map.hpp>
#include <boot/frames.hpp>
#include <x86/page_table.hpp>

namespace hv::boot {

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
        : memory_{memory}, frames_{frames}, largest_(pages_of_1g ? 2 : 1) {}

    /// Maps [physical, physical + bytes) at `address` with the largest pages that fit. All three
    /// are multiples of a page, and nothing is mapped there yet. XEN_ENOMEM.
    Result<> map(u64 address, Mpa physical, u64 bytes, x86::Access access,
                 x86::MemoryType type = x86::MemoryType::write_back);
    /// For CR3.
    Mpa root() const { return root_; }
    u64 table_count() const { return table_count_; }

private:
    Result<u64*> entry_for(u64 address, unsigned level);
    Result<Mpa> take_table();

    const PhysicalMemory& memory_;
    EarlyFrames& frames_;
    unsigned largest_;  ///< level of the largest page: 1 for 2 MiB, 2 for 1 GiB
    Mpa root_{};
    u64 table_count_ = 0;
};

}  // namespace hv::boot
