// A domain's grant table: the frames in which its guest writes its promises.
#pragma once

#include <domains/household.hpp>
#include <xen/grant_table.h>

namespace hv {

/// What chapter grants keeps for a domain. The frames are the hypervisor's, shown to the guest.
struct GrantTable {
    static constexpr Chapter chapter = Chapter::grants;
    static constexpr u32 most_frames = 64;
    static constexpr u32 version = 1;  ///< layout of the entries: the only one that is offered

    Spinlock lock{LockRank::chapter};
    std::array<Mfn, most_frames> frames{};
    u32 frame_count = 0;
    u32 limit = 0;        ///< frames that the toolstack allows
};

inline GrantTable& grants_of(const Domain& domain) { return domain.parts.get<GrantTable>(); }

/// Makes the table at least `count` frames long. XEN_EINVAL beyond its limit; XEN_ENOMEM.
Result<> grow(Domain& domain, u32 count);
/// XENMAPSPACE_grant_table: the frame at `index`, growing the table up to it; see PhysmapSpace.
Result<Mfn> grant_frame(Domain& domain, u64 index);

/// The hypercall: (operation, array of arguments, count).
Answer grant_table_op(Call& call);

namespace grants {
extern const Plug plug;
}

}  // namespace hv
