// The host's own page-table entries, for the hypervisor's last page tables at boot.
#pragma once

#include <x86/page_table.hpp>

namespace hv::x86 {

/// Four-level paging with EFER.NXE set and the PAT as it is at reset (PCD and PWT together: UC).
/// Supervisor pages only. Source: Intel SDM volume 3, "4-Level Paging and 5-Level Paging".
extern const EntryFormat host_format;

}  // namespace hv::x86
