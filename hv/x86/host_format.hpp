// The host's own page-table entries, for the hypervisor's last page tables at boot.
#pragma once

#include <x86/bits.hpp>
#include <x86/page_table.hpp>

namespace hv::x86 {

/// Four-level paging with EFER.NXE set and the PAT as it is at reset (PCD and PWT together: UC).
/// Supervisor pages only. Accessed and dirty are set from the start: the CPU need never write to
/// these tables. Source: Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
inline constexpr EntryFormat host_format{.table_bits = PTE_P | PTE_RW | PTE_A,
                                         .page_bits = PTE_P | PTE_A | PTE_D,
                                         .execute = 0,
                                         .no_execute = PTE_XD,
                                         .write_back = 0,
                                         .uncached = PTE_PCD | PTE_PWT};

}  // namespace hv::x86
