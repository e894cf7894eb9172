// The two-level ABI: one pending bit and one mask bit a port, and a selector word for each vCPU.
#pragma once

#include <events/ports.hpp>

namespace hv::two_level {

// As in ports.hpp; the domain's event lock is held
void set_pending(Domain& domain, u32 port, EventPort& row);
bool is_pending(Domain& domain, u32 port);
bool is_masked(Domain& domain, u32 port);
void clear_pending(Domain& domain, u32 port);
void unmask(Domain& domain, u32 port, EventPort& row);

/// How many ports the guest's layout has bits for: 4,096, or 1,024 for a 32-bit guest.
u32 port_limit(const Domain& domain);

}  // namespace hv::two_level
