// The hosted twin of the machine: what a test or Python drives instead of a processor.
#pragma once

#include <base/hosted/panic.hpp>
#include <boot/machine.hpp>
#include <string>

namespace hv {

/// Makes `cpu` the one that this thread plays, for this_cpu(); nullptr: none.
void play(Cpu* cpu);
/// Lets this thread hear, in `line`, what consoles emit; nullptr: no longer.
void hear(std::string* line);

}  // namespace hv
