// The local APIC: this vCPU's own interrupt controller and timer, which need no event channels.
#pragma once

#include "types.hpp"

namespace kit {

/// Enables the local APIC, as an x2APIC where CPUID offers it.
void apic_init();

/// Ends the service of the interrupt in hand.
void apic_end_of_interrupt();

/// The timer ticks at the APIC's bus frequency, which is 100 MHz on Xen: 10 ns each.
inline constexpr u64 apic_tick_ns = 10;

/// Raises `vector` once after `nanoseconds` (at most 42 s), or each time they pass. 0 stops it.
void apic_timer_once(u8 vector, u64 nanoseconds);
void apic_timer_periodic(u8 vector, u64 nanoseconds);

bool apic_is_x2apic();
u32 apic_id();

}  // namespace kit
