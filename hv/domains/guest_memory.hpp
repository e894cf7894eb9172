// A guest's memory as the hypervisor reads and writes it: by the guest's own virtual addresses.
#pragma once

#include <domains/domain.hpp>

namespace hv {

/// Copies `bytes` from or to the guest virtual `address` of `vcpu`, as that vCPU's paging has it
/// now, with the rights of its kernel. XEN_EFAULT when a byte is not mapped, not allowed, or no
/// RAM; what came before it is copied. The caller runs on the pCPU where `vcpu` is, or
/// it stands still.
Result<> read_guest(Vcpu& vcpu, void* into, u64 address, size_t bytes);
Result<> write_guest(Vcpu& vcpu, u64 address, const void* from, size_t bytes);

}  // namespace hv
