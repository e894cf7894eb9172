// What the toolstack sees of a domain's promises and of its doorbells, as Xen lets it look.
#pragma once

#include "guest_memory.hpp"

#include <events/marks.hpp>
#include <string_view>

namespace dom0 {

/// How a domain's grant table is laid out (xen/grant_table.h).
struct TableShape {
    u32 version, frames;
};
/// XEN_ESRCH: there is no such domain, not even a dying one.
Result<TableShape> grant_table_shape(u16 domain);

/// One frame of its entries, or in version 2 of their status words. dom0's own is refused.
Result<MappedPage> grant_frame(u16 domain, bool status, u32 frame);

/// EVTCHNOP_status. XEN_EINVAL: the domain has no such port, nor any above it.
Result<evtchn_status> port_status(u16 domain, u32 port);

/// Where a domain's events are marked, looked at a page at a time.
class Marks {
public:
    explicit Marks(u16 domain);

    /// "two-level" or "FIFO", as the domain's guest chose; empty where it has no marks.
    std::string_view abi() const;
    bool pending(u32 port) { return test(port, 0); }
    bool masked(u32 port) { return test(port, 1); }

private:
    bool test(u32 port, u32 which);
    const u8* page(u32 number);

    u16 domain_;
    hv::EventMarks layout_ = hv::EventMarks::wide;
    MappedPage page_;
    u32 number_ = 0; // of that page
};

}  // namespace dom0
