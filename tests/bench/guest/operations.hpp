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

/// A page that domain `reader` may map and copy, by the reference that measure_grants() uses.
void promise_a_page(hv::u16 reader);

/// Maps such a page of `owner` and gives it back; copies it.
void measure_grants(hv::u16 owner);

/// Rings a second vCPU of this domain, which answers.
void measure_siblings();

/// This domain's number.
hv::u16 own_id();

/// The other half of ping_pong(), in a domain of its own, created just before: answers for ever.
[[noreturn]] void answer_pings();

/// Rings a domain that does nothing but answer, both halted between.
void measure_ping_pong();

}  // namespace bench
