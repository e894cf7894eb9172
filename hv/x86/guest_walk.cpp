// The guest walk: how each paging mode's tables are read, checked, and marked as used.
#include <array>
#include <x86/bits.hpp>
#include <x86/guest_walk.hpp>

namespace hv::x86 {
namespace {

using Outcome = GuestWalk::Outcome;

/// The bits of a 64-bit number from `low` up to, not including, `high`.
constexpr u64 bits(unsigned low, unsigned high) {
    return low >= high ? 0 : (~0ull >> (64 - (high - low))) << low;
}

/// Of an entry: what it leads to. An entry of 32 bits has no more than its own.
constexpr u64 address_bits = bits(12, 52);

/// What the paging modes differ in. Levels count down from `top` to 0.
struct Mode {
    unsigned top;
    unsigned index_bits;  ///< of the address, for each level
    unsigned entry_size;  ///< bytes
    bool pae, long_mode;
    u64 root;             ///< where the top table begins
    u64 reserved;         ///< bits that are zero in every entry, but for PAE's top
};

Mode mode_of(const PagingState& state, unsigned width) {
    if (!(state.cr4 & CR4_PAE) && !(state.efer & EFER_LMA))
        return {1, 10, 4, false, false, state.cr3 & bits(12, 32), 0};
    const u64 no_execute = state.efer & EFER_NXE ? 0 : u64{PTE_XD};
    if (state.efer & EFER_LMA)
        return {3, 9, 8, true, true, state.cr3 & address_bits, bits(width, 52) | no_execute};
    return {2, 9, 8, true, false, state.cr3 & bits(5, 32), bits(width, 63) | no_execute};
}

/// An entry that the walk has read.
struct Entry {
    Gpa place;
    u64 value;
};

/// One walk, from CR3 to a page.
class Walker {
public:
    Walker(GuestTables& tables, const PagingState& state, GuestAccess access)
        : tables_{tables}, state_{state}, access_{access},
          mode_{mode_of(state, tables.physical_bits)} {}

    GuestWalk walk(u64 address) {
        const u64 index_mask = bits(0, mode_.index_bits);
        unsigned shift = page_shift + mode_.top * mode_.index_bits;
        u64 table = mode_.root;
        for (unsigned level = mode_.top;; --level, shift -= mode_.index_bits) {
            // Read the entry that the address picks
            const Gpa place{table + (address >> shift & index_mask) * mode_.entry_size};
            u64 value = 0;
            if (!tables_.read(place, mode_.entry_size, value))
                return {.outcome = Outcome::not_memory};
            trail_[length_++] = {place, value};

            // Check it
            if (!(value & PTE_P))
                return fault(0);
            const bool page = level == 0 || ((value & PTE_PS) && may_be_large(level));
            if (value & reserved(level, shift, page))
                return fault(PFEC_P | PFEC_RSVD);

            // The rights are those that every level grants; PAE's top level has none to give
            if (!is_top_of_pae(level)) {
                in_all_ &= value;
                in_any_ |= value;
            }
            if (page)
                return allowed() ? found(value, shift, address) : fault(PFEC_P);
            table = value & address_bits;
        }
    }

    /// Sets the accessed bits on the way, and the dirty bit of a page written. False: the guest
    /// changed an entry meanwhile, or it cannot be written.
    bool mark() {
        // Mostly an earlier walk, the CPU's or ours, has done it
        if ((in_all_ & PTE_A) && (!access_.write || (trail_[length_ - 1].value & PTE_D)))
            return true;
        for (unsigned i = 0; i < length_; ++i) {
            const Entry& entry = trail_[i];
            if (is_top_of_pae(mode_.top - i))
                continue;
            const bool written = access_.write && i == length_ - 1;
            const u64 marked = entry.value | PTE_A | (written ? u64{PTE_D} : 0);
            if (marked != entry.value &&
                !tables_.compare_exchange(entry.place, mode_.entry_size, entry.value, marked))
                return false;
        }
        return true;
    }

private:
    bool is_top_of_pae(unsigned level) const { return mode_.pae && !mode_.long_mode && level == 2; }

    /// True when an entry of this level maps a page if its size bit is set.
    bool may_be_large(unsigned level) const {
        return level == 1   ? mode_.pae || (state_.cr4 & CR4_PSE)
               : level == 2 ? mode_.long_mode && tables_.gigabyte_pages
                            : false;
    }

    /// The bits that must be zero in an entry of this level.
    u64 reserved(unsigned level, unsigned shift, bool page) const {
        // 32-bit: only a 4 MiB page has any. Its bits 20:13 hold address bits 39:32
        const unsigned width = tables_.physical_bits;
        if (!mode_.pae) {
            const unsigned high = width < 40 ? width : 40;
            return page && level == 1 ? bits(high > 32 ? high - 19 : 13, 22) : 0;
        }
        // The top of PAE is a format of its own
        if (is_top_of_pae(level))
            return bits(1, 3) | bits(5, 9) | bits(width, 64);

        // A large page is aligned to its size (bit 12 is its PAT bit); where none can be, PS is
        // reserved
        if (page)
            return mode_.reserved | (level > 0 ? bits(13, shift) : 0);
        return mode_.reserved | (level >= 2 ? u64{PTE_PS} : 0);
    }

    /// Whether the rights gathered on the way allow the access.
    bool allowed() const {
        const bool user = in_all_ & PTE_US, writable = in_all_ & PTE_RW;
        const bool executable = !mode_.pae || !(in_any_ & PTE_XD);
        if (state_.privilege == 3)
            return user && (!access_.write || writable) && (!access_.fetch || executable);
        if (access_.fetch)
            return executable && !(user && (state_.cr4 & CR4_SMEP));
        if (user && (state_.cr4 & CR4_SMAP) && !state_.alignment_check)
            return false;
        return !access_.write || writable || !(state_.cr0 & CR0_WP);
    }

    /// The page fault for this access; `reason` is of PFEC_P and PFEC_RSVD.
    GuestWalk fault(u32 reason) const {
        const bool tells_fetches =
            (mode_.pae && (state_.efer & EFER_NXE)) || (state_.cr4 & CR4_SMEP);
        u32 code = reason;
        if (access_.write)
            code |= PFEC_W;
        if (state_.privilege == 3)
            code |= PFEC_U;
        if (access_.fetch && tells_fetches)
            code |= PFEC_I;
        return {.outcome = Outcome::page_fault, .error_code = code};
    }

    GuestWalk found(u64 value, unsigned shift, u64 address) const {
        const u64 offset = address & bits(0, shift);
        u64 base = value & address_bits & ~bits(0, shift);
        if (!mode_.pae && shift > page_shift)
            base |= (value & bits(13, 21)) << 19;
        return {.outcome = Outcome::found,
                .address = Gpa{base | offset},
                .left = (1ull << shift) - offset};
    }

    GuestTables& tables_;
    const PagingState& state_;
    GuestAccess access_;
    Mode mode_;
    std::array<Entry, 4> trail_;
    unsigned length_ = 0;
    u64 in_all_ = ~0ull;  ///< bits that every entry so far has
    u64 in_any_ = 0;      ///< bits that some entry has
};

bool canonical(u64 address) { return address + (1ull << 47) < 1ull << 48; }

}  // namespace

GuestWalk walk_guest(GuestTables& tables, const PagingState& state, u64 address,
                     GuestAccess access) {
    const bool long_mode = state.efer & EFER_LMA;
    if (long_mode && !canonical(address))
        return {.outcome = Outcome::not_canonical};
    if (!long_mode)
        address &= bits(0, 32);
    if (!(state.cr0 & CR0_PG))
        return {.outcome = Outcome::found, .address = Gpa{address}, .left = (1ull << 32) - address};

    // A guest that keeps changing its tables is not worth waiting for
    for (int attempt = 0; attempt < 8; ++attempt) {
        Walker walker{tables, state, access};
        const GuestWalk result = walker.walk(address);
        if (!result.ok() || walker.mark())
            return result;
    }
    return {.outcome = Outcome::not_memory};
}

}  // namespace hv::x86
