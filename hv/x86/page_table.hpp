// The page-table walk: one walk for every format of four-level table, over a memory it can be shown.
#pragma once

#include <base/result.hpp>
#include <concepts>

namespace hv::x86 {

/// What a mapping lets its user do.
struct Access {
    bool read = false, write = false, execute = false;
    constexpr bool operator==(const Access&) const = default;
    constexpr bool any() const { return read || write || execute; }
    constexpr bool exceeds(Access other) const {
        return (read && !other.read) || (write && !other.write) || (execute && !other.execute);
    }
};

inline constexpr Access no_access{};
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

/// How one kind of table spells its entries. Three exist: EPT, NPT, and the host's own.
struct EntryFormat {
    u64 (*leaf)(const Mapping& mapping);       ///< the entry of a page of mapping.order
    u64 (*table)(Mfn next);                    ///< the entry that points to the next table
    Mapping (*read)(u64 entry, unsigned level);///< the mapping that a leaf entry spells
    bool (*present)(u64 entry);
    bool (*is_leaf)(u64 entry, unsigned level);
    Mfn (*frame)(u64 entry);                   ///< the frame that any present entry names
};

/// The memory that tables are made of. The machine's is the direct map; a test's records each write.
template <class M>
concept TableMemory = requires(M memory, Mpa entry, u64 value, Mfn table) {
    { memory.read(entry) } -> std::same_as<u64>;
    { memory.write(entry, value) };
    { memory.take_table() } -> std::same_as<Result<Mfn>>;  ///< zeroed
    { memory.give_back_table(table) };                     ///< once no CPU can walk it
};

inline constexpr unsigned top_level = 3;       ///< levels are 3 (512 GiB an entry) to 0 (4 KiB)
inline constexpr unsigned bits_per_level = 9;

constexpr unsigned level_of_order(u8 order) { return order / bits_per_level; }
constexpr u8 order_of_level(unsigned level) { return static_cast<u8>(level * bits_per_level); }

}  // namespace hv::x86
