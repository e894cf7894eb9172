// The end of a machine: stopping the others, and saying where it ended.
#pragma once

#include <boot/machine.hpp>
#include <x86/traps.hpp>

namespace hv::boot {

/// Ends the machine because of an exception in the hypervisor.
[[noreturn]] void panic_at(const x86::TrapFrame& frame);

/// Does what the option `panic` asks for: writes where only reading is allowed.
void break_on_purpose();

}  // namespace hv::boot
