// Interrupts and exceptions of the hypervisor's own: where each vector goes.
#include <boot/machine.hpp>
#include <x86/privileged.hpp>
#include <x86/traps.hpp>

namespace hv {

Cpu& this_cpu() {
    Cpu* cpu;
    asm volatile("mov %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}

LockLedger& this_ledger() { return this_cpu().ledger; }

}  // namespace hv

void handle_trap(hv::x86::TrapFrame& frame) {
    hv::panic("{} with error code {:x} at {:x}", hv::x86::exception_name(frame.vector),
              frame.error_code, frame.rip);
}
