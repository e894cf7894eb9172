// A vCPU's whole state as records (xen/hvm/save.h): what the toolstack writes at birth, and what
// migration will carry.
#pragma once

#include <domains/calls.hpp>
#include <xen/hvm/hvm_vcpu.h>

namespace hv {

/// Bytes that save_context would write for `domain` now.
u32 context_size(Domain& domain);

/// Writes HEADER, the records of each vCPU, and END to the caller's `buffer` of `room` bytes, and
/// returns their size. XEN_ENOSPC, XEN_EFAULT. The domain stands still.
Result<u32> save_context(Call& call, Domain& domain, u64 buffer, u32 room);

/// One record's body, without its descriptor, to the caller's buffer; returns its size, also
/// without a buffer. XEN_EINVAL: no such type; XEN_ENOENT: no such instance. The domain stands
/// still.
Result<u32> save_record(Call& call, Domain& domain, u32 type, u32 instance, u64 buffer, u64 room);

/// Reads records up to END and puts each into effect. XEN_EINVAL: a record that is not right;
/// XEN_ENODATA: no END; XEN_EFAULT. What came before a bad record is in effect. The domain stands
/// still.
Result<> load_context(Call& call, Domain& domain, u64 buffer, u32 size);

/// Gives a vCPU that is down the state of VCPUOP_initialise (xen/hvm/hvm_vcpu.h). XEN_EINVAL.
Result<> start_as_told(Vcpu& vcpu, const vcpu_hvm_context_t& told);

}  // namespace hv
