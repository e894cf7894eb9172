// NPT: how nested page tables spell their entries, as long mode's own tables do.
#pragma once

#include <x86/bits.hpp>
#include <x86/page_table.hpp>

namespace hv::svm {

/// The CPU takes every access of a guest for a user's, so every entry says US. Uncached pages use
/// entry 3 of the host's PAT, which is UC after reset and which the hypervisor leaves so.
/// Source: AMD64 APM volume 2, "Nested Paging" and "Long-Mode Page Translation".
inline constexpr x86::EntryFormat npt_format{
    .table_bits = x86::PTE_P | x86::PTE_RW | x86::PTE_US | x86::PTE_A,
    .page_bits = x86::PTE_P | x86::PTE_US | x86::PTE_A | x86::PTE_D,
    .execute = 0,
    .no_execute = x86::PTE_XD,
    .write_back = 0,
    .uncached = x86::PTE_PCD | x86::PTE_PWT};

}  // namespace hv::svm
