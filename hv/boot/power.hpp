// The ways out: power-off and reset.
#pragma once

#include <boot/facts.hpp>

namespace hv::boot {

/// Powers the machine off through ACPI's fixed hardware; halts for ever where there is no way.
[[noreturn]] void power_off(const MachineFacts& facts);

/// Resets the machine: ACPI's reset register, then port 0xcf9, the keyboard controller, and last a
/// triple fault.
[[noreturn]] void reset(const MachineFacts& facts);

}  // namespace hv::boot
