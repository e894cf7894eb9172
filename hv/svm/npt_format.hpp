// The format of nested page tables, for the one walk that knows every format.
#pragma once

#include <x86/page_table.hpp>

namespace hv::svm {

/// Source: AMD64 APM volume 2, "Nested Paging" and "Long-Mode Page Translation". Uncached pages use
/// entry 3 of the host's PAT, which is UC after reset and which the hypervisor leaves so.
extern const x86::EntryFormat npt_format;

}  // namespace hv::svm
