// EPT: how an extended page table spells its entries.
#pragma once

#include <x86/page_table.hpp>

namespace hv::vmx {

enum EptBits : u64 {
    EPT_READ = 1u << 0,
    EPT_WRITE = 1u << 1,
    EPT_EXECUTE = 1u << 2,
    EPT_TYPE_UC = 0u << 3,
    EPT_TYPE_WB = 6u << 3,
};

/// Intel SDM, "The Extended Page Table Mechanism (EPT)". Accessed and dirty flags are neither set
/// nor asked for.
inline constexpr x86::EntryFormat ept_format{.table_bits = EPT_READ | EPT_WRITE | EPT_EXECUTE,
                                             .page_bits = EPT_READ,
                                             .execute = EPT_EXECUTE,
                                             .no_execute = 0,
                                             .write_back = EPT_TYPE_WB,
                                             .uncached = EPT_TYPE_UC};

/// The EPT pointer of a table at `root`: write-back, four levels.
constexpr u64 ept_pointer(u64 root) { return root | 3u << 3 | 6u; }

}  // namespace hv::vmx
