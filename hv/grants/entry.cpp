// A promise as its guest wrote it, and how we write beside it that it is in use.
#include <algorithm>
#include <bit>
#include <grants/entry.hpp>

namespace hv {
namespace {

/// The flags that say how a promise is used.
constexpr u16 use_flags(bool write) {
    return static_cast<u16>(write ? GTF_reading | GTF_writing : GTF_reading);
}

}  // namespace

/// Whether flags and domain, as they were read at one moment, allow what is wished.
[[gnu::always_inline]] inline bool Entry::allows(u32 header, const PinWish& wish, bool held) const {
    if (wish.write && (header & GTF_readonly))
        return false;
    if (held)
        return true;
    const u32 kind = header & (wish.map ? GTF_type_mask | GTF_sub_page : GTF_type_mask);
    const bool by_another = second_ && !wish.map && kind == GTF_transitive;
    return header >> 16 == wish.holder && (kind == GTF_permit_access || by_another);
}

GrantStatus Entry::mark(const PinWish& wish, bool held) const {
    return second_ ? mark_status(wish, held) : mark_entry(wish, held);
}

/// Version 1: our flags are in the guest's own word, which must not have changed meanwhile. A guest
/// may change it for good reasons, but not for ever.
GrantStatus Entry::mark_entry(const PinWish& wish, bool held) const {
    u32 seen = __atomic_load_n(header(), __ATOMIC_ACQUIRE);
    for (unsigned tries = 0; tries < 5 && allows(seen, wish, held); ++tries)
        if (__atomic_compare_exchange_n(header(), &seen, seen | use_flags(wish.write), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
            return GNTST_okay;
    return GNTST_general_error;
}

/// Version 2: they have a word of their own. Ours is written first, then the guest's read again:
/// one of the two sees the other.
GrantStatus Entry::mark_status(const PinWish& wish, bool held) const {
    if (!allows(__atomic_load_n(header(), __ATOMIC_ACQUIRE), wish, held))
        return GNTST_general_error;
    __atomic_fetch_or(status_, use_flags(wish.write), __ATOMIC_SEQ_CST);
    if (allows(__atomic_load_n(header(), __ATOMIC_SEQ_CST), wish, held))
        return GNTST_okay;
    clear(held ? GTF_writing : use_flags(true));
    return GNTST_general_error;
}

u64 Entry::read(bool map, PinnedPage& page) const {
    const u64 first = __atomic_load_n(words_, __ATOMIC_ACQUIRE);
    if (!second_)
        return std::bit_cast<grant_entry_v1_t>(first).frame;
    const std::array<u64, 2> words = {first, __atomic_load_n(words_ + 1, __ATOMIC_ACQUIRE)};
    const auto entry = std::bit_cast<grant_entry_v2_t>(words);
    page.transitive = !map && (first & GTF_type_mask) == GTF_transitive;
    page.partial = page.transitive || (!map && (first & GTF_sub_page));
    if (page.transitive) {
        page.next = entry.transitive.trans_domid;
        page.next_ref = entry.transitive.gref;
    } else if (page.partial) {
        page.start = entry.sub_page.page_off;
        page.end = static_cast<u16>(
            std::min<u32>(page.start + entry.sub_page.length, page_size));
    }
    return entry.full_page.frame;
}

}  // namespace hv
