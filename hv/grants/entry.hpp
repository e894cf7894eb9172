// One entry of a grant table, in either layout, read and marked while its guest may change it.
#pragma once

#include <grants/grant_table.hpp>

namespace hv {

/// An entry where its guest wrote it. The table's lock is held against us, not against the guest.
class Entry {
public:
    /// `ref` is in the table.
    Entry(const GrantTable& table, const PhysicalMemory& memory, GrantRef ref);

    /// Sets GTF_reading, or GTF_writing too, if the entry allows what is wished; one that is `held`
    /// already is not asked again to whom it was made.
    GrantStatus mark(const PinWish& wish, bool held) const;
    /// Clears such flags.
    void clear(u16 flags) const { __atomic_fetch_and(status_, ~flags, __ATOMIC_SEQ_CST); }
    /// Reads it, once: all that a page is but its frame. Returns the guest's number for that.
    u64 read(bool map, PinnedPage& page) const;

private:
    GrantStatus mark_entry(const PinWish& wish, bool held) const;
    GrantStatus mark_status(const PinWish& wish, bool held) const;
    bool allows(u32 header, const PinWish& wish, bool held) const;
    u32* header() const { return reinterpret_cast<u32*>(words_); }

    const bool second_;  ///< of version 2
    u64* words_;         ///< one, or two in version 2
    u16* status_;        ///< where the flags are that we set
};

inline Entry::Entry(const GrantTable& table, const PhysicalMemory& memory, GrantRef ref)
    : second_{table.version == 2} {
    const u32 bytes = page_size / table.entries_per_frame();
    const auto byte = u64{ref} * bytes;
    words_ = memory.as<u64>(address_of(table.frames[byte >> page_shift]) + (byte & page_mask));
    status_ = reinterpret_cast<u16*>(words_);
    if (second_)
        status_ = memory.as<u16>(address_of(table.status_frames[ref / table.status_per_frame])) +
                  ref % table.status_per_frame;
}

}  // namespace hv
