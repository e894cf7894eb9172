// The guest walk: from a guest's virtual address to its physical one, as its CPU would find it: how
// each paging mode's tables are read, checked, and marked as used.
#pragma once

#include <array>
#include <concepts>
#include <x86/bits.hpp>
#include <x86/engine.hpp>

namespace hv::x86 {

/// The guest's physical memory, as far as its page tables need it. A domain's is its p2m; a test's
/// is an array. Entries are u64, or u32 where the mode has no more, and aligned.
template <class T>
concept GuestTables = requires(T tables, Gpa place, u64 entry) {
    /// Reads an entry, in one access. False: that is not RAM.
    { tables.read(place, entry) } -> std::same_as<bool>;
    /// Writes `desired`, the last, if the entry still is what was expected, in one locked access.
    /// False: it was not, or that is not RAM that may be written.
    { tables.compare_exchange(place, entry, entry) } -> std::same_as<bool>;
    { tables.physical_bits } -> std::convertible_to<unsigned>; ///< entry bits above are reserved
    { tables.gigabyte_pages() } -> std::same_as<bool>; ///< false: the size bit is reserved there
};

/// What the guest, or the hypervisor on its behalf, wants to do at the address.
struct GuestAccess {
    bool write = false;
    bool fetch = false;  ///< of an instruction
};

/// What a walk found.
struct GuestWalk {
    enum class Outcome : u8 {
        found,          ///< `address`
        page_fault,     ///< raise #PF with `error_code`, CR2 being the virtual address
        not_canonical,  ///< raise #GP, or #SS for a stack access
        not_memory,     ///< a table is not RAM, or does not hold still while it is read
    };

    Outcome outcome = Outcome::not_memory;
    u32 error_code = 0;
    Gpa address{};

    constexpr bool ok() const { return outcome == Outcome::found; }
};

/// The bits of a 64-bit number from `low` up to, not including, `high`.
constexpr u64 bits(unsigned low, unsigned high) {
    return low >= high ? 0 : (~0ull >> (64 - (high - low))) << low;
}

/// What the paging modes differ in. Levels count down from `top` to 0.
struct PagingMode {
    unsigned top;
    unsigned index_bits;  ///< of the address, for each level
    bool pae, long_mode;
    u64 root;             ///< of CR3: where the top table begins

    constexpr bool is_top_of_pae(unsigned level) const { return pae && !long_mode && level == 2; }
};
inline constexpr PagingMode two_levels{1, 10, false, false, bits(12, 32)};
inline constexpr PagingMode three_levels{2, 9, true, false, bits(5, 32)};
inline constexpr PagingMode four_levels{3, 9, true, true, bits(12, 52)};

/// One walk in one mode, from CR3 to a page.
template <PagingMode mode, GuestTables Tables>
class GuestWalker {
public:
    GuestWalker(Tables tables, const PagingState& state, GuestAccess access)
        : tables_{tables}, state_{state}, access_{access},
          never_set_{bits(tables.physical_bits, mode.long_mode ? 52 : 63) |
                     (state.mode & EFER_NXE ? 0 : u64{PTE_XD})} {}

    GuestWalk walk(u64 address) const {
        // A guest that keeps changing its tables is not worth waiting for
        GuestWalk walk;
        for (int attempt = 0; attempt < 8 && walk.outcome == Outcome::not_memory; ++attempt) {
            Trail trail;
            walk = walk_from<mode.top>(state_.cr3 & mode.root, address, ~0ull, 0, trail);
        }
        return walk;
    }

private:
    using Outcome = GuestWalk::Outcome;
    using Entry = std::conditional_t<mode.pae, u64, u32>;

    /// An entry that the walk has read.
    struct Step {
        Gpa place;
        Entry entry;
    };
    using Trail = std::array<Step, mode.top + 1>;

    /// Of an entry: what it leads to. An entry of 32 bits has no more than its own.
    static constexpr u64 address_bits = bits(12, 52);

    /// The walk from a table of `level` on, each level in code of its own. `in_all` are the bits
    /// that every entry so far has, `in_any` those that some has.
    template <unsigned level>
    [[gnu::always_inline]] GuestWalk walk_from(u64 table, u64 address, u64 in_all, u64 in_any,
                                               Trail& trail) const {
        // Read the entry that the address picks
        constexpr unsigned shift = page_shift + level * mode.index_bits;
        const u64 index = address >> shift & bits(0, mode.index_bits);
        const Gpa place{table + index * sizeof(Entry)};
        Entry entry;
        if (!tables_.read(place, entry)) [[unlikely]]
            return {.outcome = Outcome::not_memory};
        trail[level] = {place, entry};

        // Check it
        if (!(entry & PTE_P)) [[unlikely]]
            return fault(state_, access_, 0);
        const bool page = level == 0 || ((entry & PTE_PS) && may_be_large(level));
        if (entry & reserved(level, shift, page)) [[unlikely]]
            return fault(state_, access_, PFEC_P | PFEC_RSVD);

        // The rights are those that every level grants; PAE's top level has none to give
        if (!mode.is_top_of_pae(level)) {
            in_all &= entry;
            in_any |= entry;
        }
        if constexpr (level > 0)
            if (!page)
                return walk_from<level - 1>(entry & address_bits, address, in_all, in_any, trail);
        if (!allowed(in_all, in_any)) [[unlikely]]
            return fault(state_, access_, PFEC_P);

        // Mostly an earlier walk, the CPU's or ours, has marked all that is used
        const bool marked = (in_all & PTE_A) && (!access_.write || (entry & PTE_D));
        if (!marked && !mark(tables_, trail, level, access_)) [[unlikely]]
            return {.outcome = Outcome::not_memory};
        return {.outcome = Outcome::found, .address = within(entry, shift, address)};
    }

    /// Sets the accessed bits on the way, and the dirty bit of a page written. False: the guest
    /// changed an entry meanwhile, or it cannot be written.
    static bool mark(Tables tables, Trail& trail, unsigned last, GuestAccess access) {
        for (unsigned level = mode.top + 1; level-- > last;) {
            const auto& [place, entry] = trail[level];
            const bool written = access.write && level == last;
            const Entry marked = entry | PTE_A | (written ? Entry{PTE_D} : 0);
            if (!mode.is_top_of_pae(level) && marked != entry &&
                !tables.compare_exchange(place, entry, marked))
                return false;
        }
        return true;
    }

    /// True when an entry of this level maps a page if its size bit is set.
    bool may_be_large(unsigned level) const {
        return level == 1   ? mode.pae || (state_.cr4() & CR4_PSE)
               : level == 2 ? mode.long_mode && tables_.gigabyte_pages()
                            : false;
    }

    /// The bits that must be zero in an entry of this level.
    u64 reserved(unsigned level, unsigned shift, bool page) const {
        // 32-bit: only a 4 MiB page has any. Its bits 20:13 hold address bits 39:32
        const unsigned width = tables_.physical_bits;
        if (!mode.pae) {
            const unsigned high = width < 40 ? width : 40;
            return page && level == 1 ? bits(high > 32 ? high - 19 : 13, 22) : 0;
        }
        // The top of PAE is a format of its own
        if (mode.is_top_of_pae(level))
            return bits(1, 3) | bits(5, 9) | bits(width, 64);

        // A large page is aligned to its size (bit 12 is its PAT bit); where none can be, PS is
        // reserved
        if (page)
            return never_set_ | (level > 0 ? bits(13, shift) : 0);
        return never_set_ | (level >= 2 ? u64{PTE_PS} : 0);
    }

    /// Whether the rights gathered on the way allow the access.
    bool allowed(u64 in_all, u64 in_any) const {
        const bool user = in_all & PTE_US, writable = in_all & PTE_RW;
        const bool executable = !mode.pae || !(in_any & PTE_XD);
        if (state_.privilege() == 3)
            return user && (!access_.write || writable) && (!access_.fetch || executable);
        if (access_.fetch)
            return executable && !(user && (state_.cr4() & CR4_SMEP));
        if (user && (state_.cr4() & CR4_SMAP) && !(state_.mode & RFLAGS_AC))
            return false;
        return !access_.write || writable || !(state_.mode & CR0_WP);
    }

    /// The page fault for this access; `reason` is of PFEC_P and PFEC_RSVD.
    [[gnu::cold]] static GuestWalk fault(const PagingState& state, GuestAccess access, u32 reason) {
        const bool tells_fetches =
            (mode.pae && (state.mode & EFER_NXE)) || (state.cr4() & CR4_SMEP);
        return {.outcome = Outcome::page_fault,
                .error_code = reason | (access.write ? u32{PFEC_W} : 0) |
                              (state.privilege() == 3 ? u32{PFEC_U} : 0) |
                              (access.fetch && tells_fetches ? u32{PFEC_I} : 0)};
    }

    /// Where `address` is in the page that `entry` maps.
    static Gpa within(u64 entry, unsigned shift, u64 address) {
        u64 base = entry & address_bits & ~bits(0, shift);
        if (!mode.pae && shift > page_shift)
            base |= (entry & bits(13, 21)) << 19;
        return Gpa{base | (address & bits(0, shift))};
    }

    const Tables tables_;
    const PagingState& state_;
    const GuestAccess access_;
    const u64 never_set_;  ///< bits that are zero in every entry, but for PAE's top
};

constexpr bool canonical(u64 address) { return (address + (1ull << 47)) >> 48 == 0; }

/// Finds `address` (linear: segment base added, cut to 32 bits outside of 64-bit code) in every
/// paging mode but five-level: none, 32-bit with 4 MiB pages, PAE, four-level. Checks rights, write
/// protection, no-execute, SMEP, SMAP and reserved bits; on success sets accessed and dirty bits.
/// Protection keys and shadow stacks are not known here: guests are not offered them.
/// Source: Intel SDM volume 3, chapter "Paging"; it may be called at any time, with any tables.
template <GuestTables Tables>
GuestWalk walk_guest(Tables tables, const PagingState& state, u64 address, GuestAccess access) {
    if ((state.mode & EFER_LMA) && (state.mode & CR0_PG)) {
        if (!canonical(address)) [[unlikely]]
            return {.outcome = GuestWalk::Outcome::not_canonical};
        return GuestWalker<four_levels, Tables>{tables, state, access}.walk(address);
    }
    address &= bits(0, 32);
    if (!(state.mode & CR0_PG))
        return {.outcome = GuestWalk::Outcome::found, .address = Gpa{address}};
    return state.cr4() & CR4_PAE
               ? GuestWalker<three_levels, Tables>{tables, state, access}.walk(address)
               : GuestWalker<two_levels, Tables>{tables, state, access}.walk(address);
}

}  // namespace hv::x86
