// A vCPU's registers, between the neutral form and the VMCB's.
#pragma once

#include <base/result.hpp>
#include <svm/vmcb.hpp>
#include <x86/cpu_state.hpp>

namespace hv::svm {

PackedSegment pack(const x86::Segment& segment);
x86::Segment unpack(const PackedSegment& packed);

void read_state(const SaveArea& save, x86::CpuState& state);

/// XEN_EINVAL, with nothing changed, when no CPU could be in that state.
Result<> write_state(SaveArea& save, const x86::CpuState& state);

x86::PagingState paging_state(const SaveArea& save);

/// EFER and PAT, which exit though they live in the VMCB; XEN_ENOENT when `msr` is neither.
Result<u64> read_msr(const SaveArea& save, u32 msr);
/// XEN_EINVAL: the CPU would raise #GP.
Result<> write_msr(SaveArea& save, u32 msr, u64 value);

/// A CPU as it comes out of reset. Source: AMD64 APM volume 2, "Processor Initialization State".
x86::CpuState reset_state();

}  // namespace hv::svm
