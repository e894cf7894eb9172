// Settling in memory: the frame table, the hypervisor's own page tables, and what is left for
// others.
#pragma once

#include <boot/host_tables.hpp>
#include <boot/machine.hpp>

namespace hv::boot {

/// What stays occupied for ever: the first MiB (firmware's, and where other pCPUs wake), the image,
/// and the boot module.
std::array<Occupied, 3> kept_by_others(const MachineFacts& facts);

/// Makes the final page tables and the place of the frame table, and loads CR3: from here on
/// machine.memory shows all RAM. `cpus` stacks are made. XEN_ENOMEM when there is too little memory
/// below 4 GiB.
Result<> settle(Machine& machine, unsigned cpus);

}  // namespace hv::boot
