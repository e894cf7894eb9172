// Interrupts of the hypervisor's own: the old controllers silenced, COM1's line led to the boot
// pCPU.
#pragma once

#include <boot/machine.hpp>

namespace hv::boot {

/// Masks the two 8259s and every input of the I/O APIC. Before any pCPU lets interrupts in.
void silence_interrupts(const MachineFacts& facts);
/// Lets COM1 interrupt the boot pCPU when a byte comes in. Without an I/O APIC the line is only
/// polled.
void listen_to_console(Machine& machine);

}  // namespace hv::boot
