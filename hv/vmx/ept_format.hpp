// EPT: how an extended page table spells its entries.
#pragma once

#include <x86/page_table.hpp>

namespace hv::vmx {

/// Intel SDM, "The Extended Page Table Mechanism (EPT)". Accessed and dirty flags are neither set
/// nor asked for. EPT knows no page that can be written or executed but not read.
extern const x86::EntryFormat ept_format;

/// The EPT pointer of a table at `root`: write-back, four levels.
constexpr u64 ept_pointer(u64 root) { return root | 3u << 3 | 6u; }

}  // namespace hv::vmx
