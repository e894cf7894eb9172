// From a raw exit in the VMCB to the neutral one that the run loop reads.
#pragma once

#include <svm/vmcb.hpp>
#include <x86/engine.hpp>

namespace hv::svm {

/// VirtualCpu::engine_bits.
enum EngineBits : u32 {
    NMI_BLOCKED = 1u << 0,   ///< the guest handles an NMI: its IRET exits
    NMI_RETURNING = 1u << 1, ///< that IRET has exited, and is yet to be executed
    NMI_WAITING = 1u << 2,   ///< another NMI waits for it
};

/// Fills `exit` from what the CPU left in `vmcb`, and queues again there what the exit cut short.
void decode(x86::VirtualCpu& vcpu, Vmcb& vmcb, x86::Exit& exit);

}  // namespace hv::svm
