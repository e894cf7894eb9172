// The hypercall page: code that a guest calls to reach the hypervisor, whatever the engine.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// Writes the 4 KiB at `page`: entry number n, at n * 32, is `mov $n, %eax; vmcall; ret` (vmmcall
/// on SVM), good in 64-bit and 32-bit code. `engine` is EngineOperations::name.
void fill_hypercall_page(u8* page, std::string_view engine);

/// Fills the guest's frame `gfn` so. XEN_EINVAL: that is no RAM which it may write.
Result<> show_hypercall_page(Domain& domain, Gfn gfn);

}  // namespace hv
