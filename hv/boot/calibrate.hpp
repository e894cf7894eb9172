// Finding out how fast the clocks run: the TSC against a timer of known rate, and the APIC's timer.
#pragma once

#include <boot/machine.hpp>

namespace hv::boot {

/// Measures the TSC (and the APIC timer) over 20 ms of the ACPI PM timer, or of the PIT where there
/// is none; a rate that CPUID tells is believed when it agrees to half a percent. Sets
/// machine.clock and machine.timer. Boot pCPU, its APIC on.
void calibrate(Machine& machine);

/// Which rate the TSC has, given what was measured and what CPUID claims (0: nothing).
constexpr u64 believe(u64 measured, u64 claimed) {
    const u64 distance = measured > claimed ? measured - claimed : claimed - measured;
    return distance <= measured / 200 ? claimed : measured;
}

/// Waits that long, by the TSC.
void wait_ns(const Clock& clock, u64 ns);

/// Unix time from the CMOS clock, taken as UTC.
u64 read_real_time_clock();

}  // namespace hv::boot
