// The event upcall, as short as it can be: it notes when it came and what rang.
#pragma once

#include "samples.hpp"

#include <kit/xen.hpp>

namespace bench {

/// Asks for the upcall as an interrupt at a vector that needs no end-of-interrupt.
void upcall_init();

/// When the last upcall's handler began, in ticks; how many came so far.
u64 upcall_began();
u64 upcall_count();

/// A port that rings this vCPU itself.
u32 port_to_self();

/// Masks and unmasks a port without a hypercall; forgets that it is pending.
void mask(u32 port);
void unmask(u32 port);
void forget(u32 port);

/// EVTCHNOP_send: the argument is ready before, so that only the call is measured.
void ring(evtchn_send& port);

/// Sets a gate of the interrupt table to `handler`, past the kit's own doors.
struct InterruptFrame;
using Handler = void (*)(InterruptFrame*);
void set_gate(u8 vector, Handler handler);

}  // namespace bench
