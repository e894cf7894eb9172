// Event channels for the meter: two-level ports, and a handler that costs a dozen instructions.
#include "upcall.hpp"

#include <base/panic.hpp>
#include <kit/clock.hpp>
#include <kit/hypercall.hpp>

namespace bench {
namespace {

constinit volatile u64 began = 0;
constinit volatile u64 count = 0;

[[gnu::interrupt, gnu::target("general-regs-only")]] void on_upcall(InterruptFrame*) {
    began = ticks();
    count = count + 1;
    clear_upcall(0);
}

xen_ulong_t bit_of(u32 port) { return xen_ulong_t{1} << port; }

}  // namespace

void set_gate(u8 vector, Handler handler) {
    struct Gate {
        u16 low, selector, flags, middle;
        u32 high, reserved;
    };
    struct [[gnu::packed]] {
        u16 limit;
        Gate* base;
    } table;
    asm volatile("sidt %0" : "=m"(table));
    const u64 at = reinterpret_cast<u64>(handler);
    table.base[vector].low = u16(at);
    table.base[vector].middle = u16(at >> 16);
    table.base[vector].high = u32(at >> 32);
}

void upcall_init() {
    constexpr u64 by_vector = u64{2} << 56;
    set_gate(upcall_vector, on_upcall);
    xen_hvm_param argument = {};
    argument.domid = DOMID_SELF;
    argument.index = HVM_PARAM_CALLBACK_IRQ;
    argument.value = by_vector | upcall_vector;
    if (!hvm_op(HVMOP_set_param, &argument)) hv::panic("no upcall by vector here");
}

u64 upcall_began() { return began; }
u64 upcall_count() { return count; }

u32 port_to_self() {
    evtchn_bind_ipi argument = {};
    if (!event_channel_op(EVTCHNOP_bind_ipi, &argument)) hv::panic("no port to myself");
    if (argument.port >= 64) hv::panic("port {} is beyond the first word", argument.port);
    return argument.port;
}

void mask(u32 port) {
    __atomic_fetch_or(&shared().evtchn_mask[0], bit_of(port), __ATOMIC_SEQ_CST);
}
void unmask(u32 port) {
    __atomic_fetch_and(&shared().evtchn_mask[0], ~bit_of(port), __ATOMIC_SEQ_CST);
}
void forget(u32 port) {
    __atomic_fetch_and(&shared().evtchn_pending[0], ~bit_of(port), __ATOMIC_SEQ_CST);
}

void ring(evtchn_send& port) {
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, address(&port));
}

}  // namespace bench
