// The FIFO ABI: event words linked into queues by priority, in memory that the guest shares.
#pragma once

#include <events/ports.hpp>

namespace hv::fifo {

/// The guest gives a vCPU's control block; the first turns the domain's ABI from two-level to FIFO.
/// XEN_EINVAL: bad place; XEN_ENOENT: no such vCPU.
Result<> init_control(Domain& domain, const evtchn_init_control_t& wish);
/// The guest gives one more page of event words.
Result<> expand_array(Domain& domain, Gfn gfn);
/// Lets go of every page that the guest gave.
void release(Domain& domain);

// As in ports.hpp; the domain's event lock is held
void set_pending(Domain& domain, u32 port, EventPort& row);
bool is_pending(Domain& domain, u32 port);
bool is_masked(Domain& domain, u32 port);
void clear_pending(Domain& domain, u32 port);
void unmask(Domain& domain, u32 port, EventPort& row);

}  // namespace hv::fifo
