// Meetings: a place in time where every pCPU waits for all the others.
#pragma once

#include <boot/machine.hpp>

namespace hv::boot {

/// Waits until every pCPU of the machine has called meet() as often as this one. Interrupts off.
void meet(Cpu& cpu);

}  // namespace hv::boot
