// The page-table walk: one walk for every format of four-level table, over any memory.
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

/// How one kind of table spells its entries. Three exist: EPT, NPT, and the host's own. They agree
/// on where a frame's address stands, and on the bits below; a page that may be used at all may be
/// read. These are the bits in which they differ.
struct EntryFormat {
    u64 table_bits;             ///< of an entry that leads to a table, which allows everything
    u64 page_bits;              ///< of an entry that maps a page
    u64 execute, no_execute;    ///< added to a page that may be executed, or that may not
    u64 write_back, uncached;   ///< added for its memory type

    static constexpr u64 present_bit = 1u << 0, write_bit = 1u << 1, large_bit = 1u << 7;
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

/// The memory that tables are made of. The machine's is the direct map; a test's records each
/// write. CPUs walk the same memory at the same time: a write is one 64-bit store, seen after every
/// earlier one.
template <class M>
concept TableMemory = requires(M memory, Mpa entry, u64 value, Mfn table) {
    { memory.read(entry) } -> std::same_as<u64>;
    { memory.write(entry, value) };
    { memory.take_table() } -> std::same_as<Result<Mfn>>;  ///< zeroed
    /// No entry leads to `table` any more, but a CPU may still be in it: it stays as it is, and out
    /// of reuse, until the flush that the same change asks for is done.
    { memory.give_back_table(table) };
};

inline constexpr unsigned top_level = 3;       ///< levels are 3 (512 GiB an entry) to 0 (4 KiB)
inline constexpr unsigned bits_per_level = 9;

constexpr unsigned level_of_order(u8 order) { return order / bits_per_level; }
constexpr u8 order_of_level(unsigned level) { return static_cast<u8>(level * bits_per_level); }

/// Frame numbers that four levels can name: [0, gfn_limit).
inline constexpr Gfn gfn_limit{1ull << (top_level + 1) * bits_per_level};

/// True for the orders that an entry can spell: 0, 9 and 18.
constexpr bool is_page_order(u8 order) { return order % bits_per_level == 0 && order <= 18; }

/// What a change of the tables asks of its caller. Needed: some CPU may hold a translation that is
/// no longer true, so raise the generation, shoot it down, and only then reuse frames and tables.
struct [[nodiscard]] Flush {
    bool needed = false;
};

/// One step of a walk: the entry that was read, where it is, and at which level.
struct Step {
    unsigned level = top_level;
    Mpa entry{};
    u64 value = 0;
};

/// The four-level tables under one root, in one format. It owns nothing and locks nothing: whoever
/// changes the tables makes it on the spot, holding the lock that guards them (a domain's p2m
/// lock). CPUs need no lock: after every single write they find the old tables or the new ones.
///
///     gfn  35       27 26       18 17        9 8         0     frame number: 4 times 9 bits
///         +-----------+-----------+-----------+-----------+
///         |  level 3  |  level 2  |  level 1  |  level 0  |    each picks one of 512 entries
///         +-----+-----+-----+-----+-----+-----+-----+-----+
///               v           v           v           v
///      root -> entry ----> entry ----> entry ----> entry -> 4 KiB page
///                            |           +-> or a leaf: 2 MiB page (order 9)
///                            +-------------> or a leaf: 1 GiB page (order 18)
template <TableMemory Memory>
class PageTable {
public:
    PageTable(const EntryFormat& format, Memory& memory, Mfn root)
        : format_{format}, memory_{memory}, root_{root} {}

    /// Maps [gfn, gfn + 2^mapping.order), in place of whatever was mapped there.
    /// XEN_EINVAL: no such order, not aligned to it, out of range, or unreadable (unmap instead).
    /// XEN_ENOMEM: no table could be taken; every translation is as before.
    Result<Flush> map(Gfn gfn, const Mapping& mapping);

    /// Unmaps [gfn, gfn + 2^order), splitting a larger page and dropping tables that hold smaller
    /// ones. What is not mapped stays so. Errors as map().
    Result<Flush> unmap(Gfn gfn, u8 order);

    /// The whole page that `gfn` lies in, as it is mapped; see frame_of_gfn() for gfn's own frame.
    /// XEN_ENOENT when nothing is mapped there.
    Result<Mapping> look_up(Gfn gfn) const;

    /// Calls visit(Gfn first, const Mapping&) -> bool for every page from the one that holds `from`
    /// upwards, until it answers false or a page begins at or beyond `end`.
    template <class Visit>
    void for_each(Visit visit, Gfn from = Gfn{0}, Gfn end = gfn_limit) const;

    /// Gives back every table, the root last. No CPU may use this root any more.
    void drop() { retire(root_, top_level); }

private:
    static constexpr u64 entries = 1u << bits_per_level;

    static bool sound(Gfn gfn, u8 order);
    bool is_table(const Step& step) const;
    Step step_into(Mfn table, Gfn gfn, unsigned level) const;
    Step descend(Gfn gfn, unsigned level) const;
    Result<Step> reach(Gfn gfn, unsigned level);
    Result<Mfn> refine(const Step& step);
    Flush replace(const Step& step, u64 value);
    void retire(Mfn table, unsigned level);

    const EntryFormat& format_;
    Memory& memory_;
    Mfn root_;
};

/// The frame of `gfn` itself, within the page that look_up() found for it.
constexpr Mfn frame_of_gfn(const Mapping& page, Gfn gfn) {
    return page.frame + (gfn.value & ((1ull << page.order) - 1));
}

}  // namespace hv::x86

#include <x86/page_table_walk.hpp>
