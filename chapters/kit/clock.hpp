// The guest's clock: Xen's system time, read from the shared page without leaving the guest.
#pragma once

#include "types.hpp"
#include "xen.hpp"

namespace kit {

/// The page that Xen and this guest share (xen/xen.h, struct shared_info). clock_init() maps it.
shared_info& shared();

/// Maps the shared page at a free place of the guest's address space.
Result<> clock_init();

/// Nanoseconds of Xen's system time: since the machine booted.
u64 now_ns();

/// Seconds since 1970 at this moment, by Xen's wall clock.
u64 wall_seconds();

}  // namespace kit
