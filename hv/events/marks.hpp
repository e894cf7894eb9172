// Where a domain's events are marked as pending and masked, for its toolstack to look: a resource
// of our own for XENMEM_acquire_resource. Xen tells its dom0 by a line on the console instead.
#pragma once

#include <base/types.hpp>

namespace hv {

inline constexpr u16 resource_event_marks = 0x8000;  ///< far from Xen's XENMEM_resource_*

/// The resource's `id`: in which layout. Only the one that the guest uses has any frames.
enum class EventMarks : u32 {
    wide,    ///< shared_info, whose words are of 64 bits
    narrow,  ///< shared_info, whose words are of 32 bits
    fifo,    ///< pages of event words (evtchn_fifo): 1,024 ports in each
};

}  // namespace hv
