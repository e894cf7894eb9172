// The hypervisor's own view of a guest's pages: what it has found is remembered, as in a CPU's TLB.
#pragma once

#include <array>
#include <domains/shootdown.hpp>

namespace hv {

/// A way into a domain's RAM that is open while this lives. The pCPU says that it is inside, as it
/// does before it enters the guest: a shootdown then waits for us too, and what we have found stays
/// true without a use of each frame. Open it for a copy, no longer; no lock but the p2m's is taken
/// inside.
class GuestView {
public:
    explicit GuestView(Domain& domain);
    ~GuestView() { announce_exit(here_); }
    GuestView(const GuestView&) = delete;
    GuestView& operator=(const GuestView&) = delete;

    /// Where the hypervisor sees `address`; nullptr when that is no RAM, or may not be used so.
    u8* at(Gpa address, bool write) {
        const Gfn gfn = frame_of(address);
        SeenPage& seen = here_.seen.pages[gfn.value % SeenPages::count];
        if (seen.gfn != gfn && !find(gfn, seen)) [[unlikely]]
            return nullptr;
        return write && !seen.writable ? nullptr : seen.at + (address.value & page_mask);
    }

private:
    bool find(Gfn gfn, SeenPage& seen);

    Domain& domain_;
    Whereabouts& here_;
};

}  // namespace hv
