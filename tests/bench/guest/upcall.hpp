// The event upcall, as short as it can be: it notes when it came and what rang.
#pragma once

#include "samples.hpp"

#include <kit/clock.hpp>
#include <kit/xen.hpp>

namespace bench {

inline constexpr u8 upcall_vector = 0x50;

/// Asks for the upcall as an interrupt at a vector that needs no end-of-interrupt.
void upcall_init();

/// In a handler: forgets all that rang a vCPU, which is in the first word.
inline void clear_upcall(u32 vcpu) {
    auto& info = shared().vcpu_info[vcpu];
    info.evtchn_upcall_pending = 0;
    info.evtchn_pending_sel = 0;
    shared().evtchn_pending[0] = 0;
}

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
