// Choosing the engine: VMX or SVM, whichever this processor has.
#pragma once

#include <boot/machine.hpp>

namespace hv::boot {

/// Asks each engine of this build whether it can run here, and sets machine.engine and its
/// capabilities. A build that ends with this chapter has no engines, and needs none. XEN_ENODEV,
/// with machine.refusal, when none can run.
Result<> choose_engine(Machine& machine, Cpu& cpu);

}  // namespace hv::boot
