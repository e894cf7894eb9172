// The fixed furniture of a new domain: memory map, first registers, first grants.
#pragma once

#include "builder.hpp"

#include <kit/xen.hpp>
#include <vector>

namespace dom0 {

/// The map that the guest sees: RAM around the hole below 1 MiB, ACPI tables, special frames.
std::vector<hvm_memmap_table_entry> memory_map(u32 memory_mib);

/// XENMEM_set_memory_map: the same map, for XENMEM_memory_map.
Result<> set_memory_map(u16 domain, const std::vector<hvm_memmap_table_entry>& map);

/// Sets vCPU 0 at `entry` in the state that PVH promises: 32-bit flat segments, paging off, EBX =
/// the start info. Switches the MTRRs on, alike on all `vcpus`. Fills the frame of the identity map
/// that old VMX runs unpaged guests on.
Result<> set_first_vcpu(u16 domain, u16 vcpus, Gpa entry, Gpa start_info);

/// Writes rows 0 and 1 of its grant table: dom0 may map its console and its store.
Result<> seed_grants(u16 domain);

}  // namespace dom0
