// The hosted twin of the machine: what a test or Python drives instead of a processor.
#pragma once

#include <base/hosted/panic.hpp>
#include <boot/machine.hpp>

namespace hv {

/// Makes `cpu` the one that this thread plays, for this_cpu(); nullptr: none.
void play(Cpu* cpu);

}  // namespace hv
