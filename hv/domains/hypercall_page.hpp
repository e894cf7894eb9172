// The hypercall page: code that a guest calls to reach the hypervisor, whatever the engine.
#pragma once

#include <base/types.hpp>
#include <string_view>

namespace hv {

/// Writes the 4 KiB at `page`: entry number n, at n * 32, is `mov $n, %eax; vmcall; ret` (or vmmcall on
/// SVM), good in 64-bit and 32-bit code. `engine` is EngineOperations::name.
void fill_hypercall_page(u8* page, std::string_view engine);

}  // namespace hv
