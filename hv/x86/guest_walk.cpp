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

/// What the paging modes differ in. Levels count down from `top` to 0.
struct Mode {
    unsigned top;
    unsigned index_bits;  ///< of the address, for each level
    unsigned entry_size;  ///< bytes
    u64 root;             ///< where the top table begins
    bool pae, long_mode;
};

Mode mode_of(const PagingState& state) {
    if (state.efer & EFER_LMA)
        return {3, 9, 8, state.cr3 & bits(12, 52), true, true};
    if (state.cr4 & CR4_PAE)
        return {2, 9, 8, state.cr3 & bits(5, 32), true, false};
    return {1, 10, 4, state.cr3 & bits(12, 32), false, false};
}

/// An entry that the walk has read.
struct Entry {
    Gpa place{};
    u64 value = 0;
    unsigned level = 0;
};

/// One walk, from CR3 to a page.
class Walker {
public:
    Walker(GuestTables& tables, const PagingState& state, GuestAccess access)
        : tables_{tables}, state_{state}, access_{access}, mode_{mode_of(state)} {}

    GuestWalk walk(u64 address) {
        u64 table = mode_.root;
        for (unsigned level = mode_.top;; --level) {
            // Read the entry that the address picks
            const unsigned shift = page_shift + level * mode_.index_bits;
            const u64 index = address >> shift & bits(0, mode_.index_bits);
            Entry entry{Gpa{table + index * mode_.entry_size}, 0, level};
            if (!tables_.read(entry.place, mode_.entry_size, entry.value))
                return {.outcome = Outcome::not_memory};
            trail_[length_++] = entry;

            // Check it
            if (!(entry.value & PTE_P))
                return fault(0);
            const bool page = is_page(entry);
            if (entry.value & reserved(entry, page))
                return fault(PFEC_P | PFEC_RSVD);

            // The rights are those that every level grants; PAE's top level has none to give
            if (!is_top_of_pae(level)) {
                user_ = user_ && (entry.value & PTE_US);
                writable_ = writable_ && (entry.value & PTE_RW);
                executable_ = executable_ && !(mode_.pae && (entry.value & PTE_XD));
            }
            if (page)
                return allowed() ? found(entry, address) : fault(PFEC_P);
            table = entry.value & (mode_.pae ? bits(12, 52) : bits(12, 32));
        }
    }

    /// Sets the accessed bits on the way, and the dirty bit of a page written. False: the guest
    /// changed an entry meanwhile, or it cannot be written.
    bool mark() {
        for (unsigned i = 0; i < length_; ++i) {
            const Entry& entry = trail_[i];
            if (is_top_of_pae(entry.level))
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

    /// True when the entry maps a page, by its level or by its size bit.
    bool is_page(const Entry& entry) const {
        if (entry.level == 0)
            return true;
        const bool may_be_large = entry.level == 1   ? mode_.pae || (state_.cr4 & CR4_PSE)
                                  : entry.level == 2 ? mode_.long_mode && tables_.gigabyte_pages
                                                     : false;
        return may_be_large && (entry.value & PTE_PS);
    }

    /// The bits that must be zero in this entry.
    u64 reserved(const Entry& entry, bool page) const {
        const unsigned level = entry.level, width = tables_.physical_bits;
        // 32-bit: only a 4 MiB page has any. Its bits 20:13 hold address bits 39:32
        if (!mode_.pae) {
            const unsigned high = width < 40 ? width : 40;
            return page && level == 1 ? bits(high > 32 ? high - 19 : 13, 22) : 0;
        }
        // The top of PAE is a format of its own
        if (is_top_of_pae(level))
            return bits(1, 3) | bits(5, 9) | bits(width, 64);

        u64 mask = bits(width, mode_.long_mode ? 52 : 63);
        if (!(state_.efer & EFER_NXE))
            mask |= PTE_XD;
        // A large page is aligned to its size (bit 12 is its PAT bit); where none can be, PS is
        // reserved
        if (page && level > 0)
            mask |= bits(13, page_shift + level * mode_.index_bits);
        else if (level == 3 || level == 2)
            mask |= PTE_PS;
        return mask;
    }

    /// Whether the rights gathered on the way allow the access.
    bool allowed() const {
        if (state_.privilege == 3)
            return user_ && (!access_.write || writable_) && (!access_.fetch || executable_);
        if (access_.fetch)
            return executable_ && !(user_ && (state_.cr4 & CR4_SMEP));
        if (user_ && (state_.cr4 & CR4_SMAP) && !state_.alignment_check)
            return false;
        return !access_.write || writable_ || !(state_.cr0 & CR0_WP);
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

    GuestWalk found(const Entry& entry, u64 address) const {
        const unsigned shift = page_shift + entry.level * mode_.index_bits;
        const u64 offset = address & bits(0, shift);
        u64 base = entry.value & bits(shift, mode_.pae ? 52 : 32);
        if (!mode_.pae && entry.level == 1)
            base |= (entry.value & bits(13, 21)) << 19;
        return {.outcome = Outcome::found,
                .address = Gpa{base | offset},
                .left = (1ull << shift) - offset};
    }

    GuestTables& tables_;
    const PagingState& state_;
    GuestAccess access_;
    Mode mode_;
    std::array<Entry, 4> trail_{};
    unsigned length_ = 0;
    bool user_ = true, writable_ = true, executable_ = true;  ///< by every entry so far
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
