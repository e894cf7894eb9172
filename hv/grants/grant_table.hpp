// A domain's grant table: the frames in which its guest writes its promises, what is remembered of
// each promise in use, and what the domain itself holds of others' pages.
#pragma once

#include <domains/household.hpp>
#include <xen/grant_table.h>

namespace hv {

using GrantRef = u32;
using GrantHandle = u32;
using GrantStatus = s16;  ///< GNTST_*

/// A promise in use: what we remember of an entry while somebody holds its page.
struct Pin {
    static constexpr u8 most = 128;  ///< readers, or writers, as on Xen

    u32 frame = 0;             ///< its number, in use as long as the pin is; 0: a transitive one
    DomainId holder : 15 = 0;  ///< who it was made to
    DomainId partial : 1 = 0;  ///< a part of a page, or another's promise: not to be mapped
    u8 readers = 0, writers = 0;
    bool held() const { return readers + writers > 0; }
};
static_assert(sizeof(Pin) == 8);

/// What a handle names: a page of another's that this domain has in its map.
struct HeldPage {
    GrantRef ref = 0;    ///< of a free row: the next free handle
    DomainId owner = 0;
    u16 flags = 0;       ///< GNTMAP_*; without GNTMAP_host_map nothing is mapped by it
    u64 gfn = 0;         ///< where
    bool mapped() const { return flags & GNTMAP_host_map; }
    bool writable() const { return (flags & GNTMAP_readonly) == 0; }
};
static_assert(sizeof(HeldPage) == 16);

/// What chapter grants keeps for a domain. The frames are the hypervisor's, shown to the guest.
struct GrantTable {
    static constexpr Chapter chapter = Chapter::grants;
    static constexpr u32 most_frames = 64, most_handle_frames = 1024;
    static constexpr u32 status_per_frame = page_size / sizeof(grant_status_t);
    static constexpr u32 frames_per_status_frame = 8;  ///< of version 2: 256 entries in each
    static constexpr u32 pins_per_frame = page_size / sizeof(Pin);
    static constexpr u32 handles_per_frame = page_size / sizeof(HeldPage);
    static constexpr GrantHandle no_handle = ~0u;

    Spinlock lock{LockRank::chapter};
    u32 version = 1;           ///< layout of the entries: GNTTABOP_set_version
    u32 most_version = 1;

    // Its promises
    std::array<Mfn, most_frames> frames{};
    u32 frame_count = 0;
    u32 limit = 0;             ///< frames that the toolstack allows
    std::array<Mfn, most_frames / frames_per_status_frame> status_frames{};
    u32 status_count = 0;      ///< of version 2 alone
    std::array<Pin*, most_frames> pins{};
    u32 pin_frames = 0;        ///< made when a promise so far into the table is first used

    // What it holds itself
    using HandleFrames = std::array<HeldPage*, most_handle_frames>;
    HandleFrames* handles = nullptr;  ///< made with the first
    u32 handle_frames = 0, handle_limit = 0;
    GrantHandle first_free = no_handle;
    GrantHandle released = 0;  ///< a dying domain has let go of all below this

    u32 entries_per_frame() const {
        return page_size / (version == 1 ? sizeof(grant_entry_v1_t) : sizeof(grant_entry_v2_t));
    }
    u32 entry_count() const { return frame_count * entries_per_frame(); }
    u32 handle_count() const { return handle_frames * handles_per_frame; }
    bool is_held(GrantRef ref) {
        return ref / pins_per_frame < pin_frames && pin(ref).held();
    }
    Pin& pin(GrantRef ref) { return pins[ref / pins_per_frame][ref % pins_per_frame]; }
    HeldPage& held(GrantHandle handle) {
        return (*handles)[handle / handles_per_frame][handle % handles_per_frame];
    }
};

inline GrantTable& grants_of(const Domain& domain) { return domain.parts.get<GrantTable>(); }

// Size and version (grant_table.cpp)

/// Makes the table at least `count` frames long. XEN_EINVAL beyond its limit; XEN_ENOMEM.
Result<> grow(Domain& domain, u32 count);
/// The frame at `index`, or the status frame, growing the table up to it: with one use more.
/// XEN_EINVAL beyond its limit, and where there are no status frames; XEN_ENOMEM.
Result<Mfn> frame_of_table(Domain& domain, u64 index, bool status);
/// XENMAPSPACE_grant_table: such a frame, for its own guest; see PhysmapSpace. The bit
/// XENMAPIDX_grant_table_status asks for a status frame.
Result<Mfn> grant_frame(Domain& domain, u64 index);
/// The status frames that so many frames of version 2 need. The table's lock is held. XEN_ENOMEM.
Result<> add_status_frames(Machine& machine, GrantTable& table, u32 frames);
/// Lays the entries out anew. Of what stands in them the reserved ones alone are kept. XEN_EBUSY
/// while another promise is in use; XEN_ENOMEM.
Result<> change_version(Domain& domain, u32 version);

// Promises in use (pin.cpp). No lock is held

/// Who wants what of a promise.
struct PinWish {
    GrantRef ref;
    DomainId holder;
    bool write;
    bool map;        ///< or else a copy, which may be of a part
};

/// What a pin gives.
struct PinnedPage {
    Mfn frame{};
    u16 start = 0, end = page_size;  ///< what of it may be copied; no further than the page
    bool partial = false;            ///< by GTF_sub_page, or because it is transitive
    bool transitive = false;         ///< a promise of what `next` promised with `next_ref`
    DomainId next = 0;
    GrantRef next_ref = 0;
};

/// Takes the domain at its word: marks the entry as read, or written, and keeps its page in being.
GrantStatus pin(Domain& owner, const PinWish& wish, PinnedPage& page);
/// Gives that back; with the last the frame may be anybody's.
void unpin(Domain& owner, GrantRef ref, bool write);

// Hypercalls

/// Lets `one(address)` deal with each of the items that a call names, `bytes` apart, from an
/// address on; between two of them it may stop and go on later.
template <class One>
Answer each_item(Call& call, u64 bytes, One one) {
    const u64 first = call.argument(1);
    const u32 count = static_cast<u32>(call.argument(2));
    for (u32 done = 0; done < count; ++done) {
        if (done > 0 && call.should_stop()) {
            call.set_argument(1, first + done * bytes);
            call.set_argument(2, count - done);
            return Call::again;
        }
        TRY(one(first + done * bytes));
    }
    return 0;
}

Answer map_grants(Call& call);
Answer unmap_grants(Call& call);
Answer copy_grants(Call& call);
Answer swap_grants(Call& call);
/// Lets go of every page that a dying domain has in its map.
Progress let_go_of_all(Domain& domain);
/// The hypercall: (operation, array of arguments, count).
Answer grant_table_op(Call& call);

namespace grants {
extern const Plug plug;
}

}  // namespace hv
