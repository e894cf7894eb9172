// The hypervisor's own page tables: made once at boot, and never changed afterwards.
#include <boot/host_tables.hpp>
#include <string.h>
#include <x86/bits.hpp>

namespace hv::boot {
namespace {

using x86::bits_per_level;
using x86::top_level;

constexpr u64 entry_address_mask = 0x000ffffffffff000;

constexpr u64 bytes_at(unsigned level) { return page_size << (bits_per_level * level); }

u64 leaf(Mpa physical, unsigned level, x86::Access access, x86::MemoryType type) {
    u64 entry = physical.value | x86::PTE_P | x86::PTE_A | x86::PTE_D;
    if (access.write)
        entry |= x86::PTE_RW;
    if (!access.execute)
        entry |= x86::PTE_XD;
    if (type == x86::MemoryType::uncached)
        entry |= x86::PTE_PCD | x86::PTE_PWT;
    return level > 0 ? entry | x86::PTE_PS : entry;
}

}  // namespace

Result<Mpa> EarlyFrames::take(u64 count) {
    if (count > (next_ - start_) >> page_shift)
        return Error{XEN_ENOMEM};
    next_ = next_ - count * page_size;
    memset(memory_.at(next_), 0, count * page_size);
    return next_;
}

Result<Mpa> HostTables::take_table() {
    ++table_count_;
    return frames_.take();
}

/// Where the entry for `address` at `level` is, with the tables above it made as needed.
Result<u64*> HostTables::entry_for(u64 address, unsigned level) {
    if (root_.value == 0) {
        const auto root = take_table();
        TRY(root);
        root_ = *root;
    }
    Mpa table = root_;
    for (unsigned at = top_level;; --at) {
        const u64 index = address >> (page_shift + bits_per_level * at) & 511;
        u64* entry = memory_.as<u64>(table) + index;
        if (at == level)
            return entry;
        if (!(*entry & x86::PTE_P)) {
            const auto next = take_table();
            TRY(next);
            *entry = next->value | x86::PTE_P | x86::PTE_RW | x86::PTE_A;
        }
        table = Mpa{*entry & entry_address_mask};
    }
}

Result<> HostTables::map(u64 address, Mpa physical, u64 bytes, x86::Access access,
                         x86::MemoryType type) {
    while (bytes > 0) {
        unsigned level = largest_;
        while (level > 0 && (((address | physical.value) & (bytes_at(level) - 1)) != 0 ||
                             bytes < bytes_at(level)))
            --level;
        const auto entry = entry_for(address, level);
        TRY(entry);
        **entry = leaf(physical, level, access, type);
        address += bytes_at(level);
        physical = physical + bytes_at(level);
        bytes -= bytes_at(level);
    }
    return {};
}

}  // namespace hv::boot
