// Page-table entries: what a mapping is, and how each kind of table spells it.
#pragma once

#include <x86/bits.hpp>

namespace hv::x86 {

/// What a mapping lets its user do.
struct Access {
    bool read = false, write = false, execute = false;
    bool borrowed = false;  ///< another's page, on a promise: only who mapped it may unmap it
    constexpr bool operator==(const Access&) const = default;
    constexpr bool any() const { return read || write || execute; }
    constexpr bool exceeds(Access other) const {
        return (read && !other.read) || (write && !other.write) || (execute && !other.execute);
    }
};

inline constexpr Access read_only{.read = true};
inline constexpr Access read_write{.read = true, .write = true};
inline constexpr Access full_access{.read = true, .write = true, .execute = true};

enum class MemoryType : u8 { write_back, uncached };

/// One translation: 2^order frames from `frame` on. Order 0 is 4 KiB, 9 is 2 MiB, 18 is 1 GiB.
struct Mapping {
    Mfn frame{};
    u8 order = 0;
    Access access{};
    MemoryType type = MemoryType::write_back;
    constexpr bool operator==(const Mapping&) const = default;
};

/// How one kind of table spells its entries. Three exist: EPT, NPT, and the host's own. They agree
/// on where a frame's address stands, and on the bits below; a page that may be used at all may be
/// read. These are the bits in which they differ.
struct EntryFormat {
    u64 table_bits;             ///< of an entry that leads to a table, which allows everything
    u64 page_bits;              ///< of an entry that maps a page
    u64 execute, no_execute;    ///< added to a page that may be executed, or that may not
    u64 write_back, uncached;   ///< added for its memory type

    static constexpr u64 present_bit = 1u << 0, write_bit = 1u << 1, large_bit = 1u << 7;
    static constexpr u64 borrowed_bit = 1u << 11;  ///< left to software in all three
    static constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;

    static constexpr bool present(u64 entry) { return entry & present_bit; }
    /// True when a present entry maps a page.
    static constexpr bool is_leaf(u64 entry, unsigned level) {
        return level == 0 || (entry & large_bit);
    }
    /// The frame that any present entry names.
    static constexpr Mfn frame(u64 entry) { return frame_of(Mpa{entry & frame_bits}); }

    /// The entry that points to the next table.
    constexpr u64 table(Mfn next) const { return address_of(next).value | table_bits; }
    /// The entry of a page; a mapping that allows nothing spells one that is not present.
    constexpr u64 leaf(const Mapping& mapping) const;
    /// The mapping that a leaf entry spells.
    constexpr Mapping read(u64 entry, unsigned level) const;
};

/// The host's own tables: four-level paging with EFER.NXE set and the PAT as it is at reset (PCD
/// and PWT together: UC). Supervisor pages only. Accessed and dirty are set from the start: the CPU
/// need never write to these tables.
/// Source: Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
inline constexpr EntryFormat host_format{
    .table_bits = PTE_P | PTE_RW | PTE_A, .page_bits = PTE_P | PTE_A | PTE_D,
    .execute = 0, .no_execute = PTE_XD,
    .write_back = 0, .uncached = PTE_PCD | PTE_PWT};

/// NPT spells entries as long mode does. The CPU takes every access of a guest for a user's, so
/// every entry says US. Uncached pages use entry 3 of the host's PAT, which the hypervisor leaves
/// UC. Source: AMD64 APM volume 2, "Nested Paging" and "Long-Mode Page Translation".
inline constexpr EntryFormat npt_format{
    .table_bits = PTE_P | PTE_RW | PTE_US | PTE_A, .page_bits = PTE_P | PTE_US | PTE_A | PTE_D,
    .execute = 0, .no_execute = PTE_XD,
    .write_back = 0, .uncached = PTE_PCD | PTE_PWT};

/// EPT: Intel SDM, "The Extended Page Table Mechanism (EPT)". Accessed and dirty flags are neither
/// set nor asked for.
enum EptBits : u64 {
    EPT_READ = 1u << 0,
    EPT_WRITE = 1u << 1,
    EPT_EXECUTE = 1u << 2,
    EPT_TYPE_UC = 0u << 3,
    EPT_TYPE_WB = 6u << 3,
};
inline constexpr EntryFormat ept_format{
    .table_bits = EPT_READ | EPT_WRITE | EPT_EXECUTE, .page_bits = EPT_READ,
    .execute = EPT_EXECUTE, .no_execute = 0,
    .write_back = EPT_TYPE_WB, .uncached = EPT_TYPE_UC};

/// The EPT pointer of a table at `root`: write-back, four levels.
constexpr u64 ept_pointer(u64 root) { return root | 3u << 3 | 6u; }

inline constexpr unsigned top_level = 3;       ///< levels are 3 (512 GiB an entry) to 0 (4 KiB)
inline constexpr unsigned bits_per_level = 9;

constexpr unsigned level_of_order(u8 order) { return order / bits_per_level; }
constexpr u8 order_of_level(unsigned level) { return static_cast<u8>(level * bits_per_level); }

constexpr u64 EntryFormat::leaf(const Mapping& mapping) const {
    if (!mapping.access.any())
        return 0;
    return address_of(mapping.frame).value | page_bits | (mapping.access.write ? write_bit : 0) |
           (mapping.access.execute ? execute : no_execute) |
           (mapping.type == MemoryType::uncached ? uncached : write_back) |
           (mapping.order > 0 ? large_bit : 0) | (mapping.access.borrowed ? borrowed_bit : 0);
}

constexpr Mapping EntryFormat::read(u64 entry, unsigned level) const {
    if (!present(entry))
        return {};
    const bool is_uncached = (entry & (write_back | uncached)) == uncached;
    return {.frame = frame(entry),
            .order = order_of_level(level),
            .access = {.read = true,
                       .write = (entry & write_bit) != 0,
                       .execute = (entry & (execute | no_execute)) == execute,
                       .borrowed = (entry & borrowed_bit) != 0},
            .type = is_uncached ? MemoryType::uncached : MemoryType::write_back};
}

}  // namespace hv::x86
