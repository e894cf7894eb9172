// Event channels in their two-level form (xen/event_channel.h; struct shared_info in xen/xen.h).
#include "events.hpp"

#include "clock.hpp"
#include "hypercall.hpp"

namespace kit {

Result<> events_init(u8 vector) {
    xen_hvm_evtchn_upcall_vector argument = {0, vector};
    TRY(hvm_op(HVMOP_set_evtchn_upcall_vector, &argument));
    return {};
}

Result<u32> bind_virq(u32 virq) {
    evtchn_bind_virq argument = {virq, 0, 0};
    TRY(event_channel_op(EVTCHNOP_bind_virq, &argument));
    return argument.port;
}

Result<> ring_each(u64 period_ns) {
    TRY(bind_virq(VIRQ_TIMER));
    vcpu_set_periodic_timer argument = {period_ns};
    TRY(checked(hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, address(&argument))));
    return {};
}

Result<u32> bind_interdomain(u16 domain, u32 remote_port) {
    evtchn_bind_interdomain argument = {domain, remote_port, 0};
    TRY(event_channel_op(EVTCHNOP_bind_interdomain, &argument));
    return argument.local_port;
}

Result<u32> alloc_unbound(u16 domain, u16 remote) {
    evtchn_alloc_unbound argument = {domain, remote, 0};
    TRY(event_channel_op(EVTCHNOP_alloc_unbound, &argument));
    return argument.port;
}

// A port that its other end has closed cannot be rung; its owner hears of the end by VIRQ_DOM_EXC.
void send_event(u32 port) {
    evtchn_send argument = {port};
    (void)event_channel_op(EVTCHNOP_send, &argument);
}

void close_port(u32 port) {
    evtchn_close argument = {port};
    (void)event_channel_op(EVTCHNOP_close, &argument);
}

bool take_pending(u32 port) {
    constexpr u32 bits = sizeof(xen_ulong_t) * 8;
    xen_ulong_t bit = xen_ulong_t{1} << (port % bits);
    return (__atomic_fetch_and(&shared().evtchn_pending[port / bits], ~bit, __ATOMIC_ACQ_REL) &
            bit) != 0;
}

bool take_upcall() {
    auto& vcpu = shared().vcpu_info[0];
    bool pending = __atomic_exchange_n(&vcpu.evtchn_upcall_pending, u8{0}, __ATOMIC_ACQ_REL) != 0;
    __atomic_exchange_n(&vcpu.evtchn_pending_sel, xen_ulong_t{0}, __ATOMIC_ACQ_REL);
    return pending;
}

void sleep_until_rung(std::span<const u32> ports, u64 until_ns) {
    sched_poll argument = {};
    set_xen_guest_handle(argument.ports, const_cast<u32*>(ports.data()));
    argument.nr_ports = u32(ports.size());
    argument.timeout = until_ns;
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address(&argument));
}

}  // namespace kit
