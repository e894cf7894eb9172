// The operations that the meter measures, a room for each kind.
#pragma once

#include <kit/types.hpp>

namespace bench {

/// What a vCPU does alone: CPUID, MSRs, ports, unmapped memory, hypercalls, its own local APIC.
void measure_calls();

/// Pages given back and taken again.
void measure_memory();

/// Events that a vCPU sends to itself, and the one-shot timer.
void measure_events();
void measure_timer();

/// Sleeps for `nanoseconds`, halted.
void doze(hv::u64 nanoseconds);

/// The other half of ping_pong(), in a domain of its own, created just before: answers for ever.
[[noreturn]] void answer_pings();

/// Rings a domain that does nothing but answer, both halted between.
void measure_ping_pong();

}  // namespace bench
