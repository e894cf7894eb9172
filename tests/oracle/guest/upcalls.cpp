// Upcalls and timers: what reaches a handler, what waits, and what ends a wait.
#include "ask.hpp"

#include <kit/apic.hpp>
#include <kit/clock.hpp>
#include <kit/cpu.hpp>
#include <kit/events.hpp>
#include <kit/traps.hpp>

namespace oracle {
namespace {

constexpr u8 upcall_vector = 0x50, timer_vector = 0x51;
constexpr u64 millisecond = 1'000'000;

constinit volatile u32 upcalls = 0, ticks = 0;

/// Opens the door for interrupts for so long, or until `done`.
template <class Done> void wait_at_most(u64 nanoseconds, Done done) {
    const u64 end = now_ns() + nanoseconds;
    interrupts_on();
    while (!done() && now_ns() < end)
        pause();
    interrupts_off();
}

/// How many upcalls come while the door is open.
u32 upcalls_from(auto cause) {
    upcalls = 0;
    cause();
    wait_at_most(20 * millisecond, [] { return upcalls > 0; });
    return upcalls;
}

u32 loopback() {
    const u32 port = alloc_unbound(DOMID_SELF, DOMID_SELF).value_or(0);
    return bind_interdomain(DOMID_SELF, port).value_or(0);
}

u64& word_of(xen_ulong_t* words, u32 port) { return words[port / 64]; }
u64 bit_of(u32 port) { return 1ull << port % 64; }

long unmask(u32 port) {
    evtchn_unmask argument = {port};
    return hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_unmask, address(&argument));
}

/// The far end of a loopback is the port that rings when its near end is sent to.
u32 far_end(u32 port) {
    evtchn_status status = {};
    status.dom = DOMID_SELF;
    status.port = port;
    (void)hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, address(&status));
    return status.u.interdomain.port;
}

void ask_two_levels() {
    const u32 near = loopback(), far = far_end(near);
    auto& vcpu = shared().vcpu_info[0];
    (void)take_upcall();
    (void)take_pending(far);
    tell("upcalls.sent", upcalls_from([=] { send_event(near); }));
    tell("upcalls.sent: pending word", (vcpu.evtchn_pending_sel & bit_of(far / 64)) != 0);
    tell("upcalls.sent: pending byte", unsigned{vcpu.evtchn_upcall_pending});
    tell("upcalls.sent: pending bit", take_pending(far));
    tell("upcalls.sent again, byte still set", upcalls_from([=] { send_event(near); }));
    (void)take_upcall();
    tell("upcalls.sent, bit still set", upcalls_from([=] { send_event(near); }));
    tell("upcalls.sent, bit still set: pending byte", unsigned{vcpu.evtchn_upcall_pending});
    (void)take_pending(far);
    word_of(shared().evtchn_mask, far) |= bit_of(far);
    tell("upcalls.masked", upcalls_from([=] { send_event(near); }));
    tell("upcalls.masked: pending byte", unsigned{vcpu.evtchn_upcall_pending});
    tell("upcalls.unmasked", upcalls_from([=] { tell("upcalls.unmask", unmask(far)); }));
    tell("upcalls.unmasked: mask bit", (word_of(shared().evtchn_mask, far) & bit_of(far)) != 0);
    (void)take_upcall();
    (void)take_pending(far);
    tell("upcalls.unmask, nothing pending", upcalls_from([=] { (void)unmask(far); }));
    vcpu.evtchn_upcall_mask = 1;
    tell("upcalls.sent under evtchn_upcall_mask", upcalls_from([=] { send_event(near); }));
    tell("upcalls.evtchn_upcall_mask stays", unsigned{vcpu.evtchn_upcall_mask});
    vcpu.evtchn_upcall_mask = 0;
    (void)take_upcall();
    (void)take_pending(far);
    close_port(far);
    tell("upcalls.sent to a closed end", upcalls_from([=] { send_event(near); }));
    close_port(near);
    tell("upcalls.closed: pending byte", unsigned{vcpu.evtchn_upcall_pending});
    tell("upcalls.vector set again while pending", upcalls_from([&] {
             vcpu.evtchn_upcall_pending = 1;
             (void)events_init(upcall_vector);
         }));
    (void)take_upcall();
}

long single_shot(u64 deadline) {
    vcpu_set_singleshot_timer argument = {deadline, 0};
    return hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, address(&argument));
}

void ask_timers() {
    const u32 port = bind_virq(VIRQ_TIMER).value_or(0);
    const auto fresh = [=] {
        (void)take_upcall();
        (void)take_pending(port);
    };
    fresh();
    tell("timers.single shot in 1 ms",
         upcalls_from([] { (void)single_shot(now_ns() + millisecond); }));
    tell("timers.single shot: its port", take_pending(port));
    fresh();
    tell("timers.single shot long ago", upcalls_from([] { (void)single_shot(1); }));
    fresh();
    tell("timers.set_timer_op in 1 ms", upcalls_from([] {
             (void)hypercall(__HYPERVISOR_set_timer_op, now_ns() + millisecond);
         }));
    fresh();
    tell("timers.stopped", upcalls_from([] {
             (void)single_shot(now_ns() + 5 * millisecond);
             (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0);
         }));
    vcpu_set_periodic_timer period = {2 * millisecond};
    (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, address(&period));
    u32 heard = 0;
    for (int i = 0; i < 4; i++) {
        heard += upcalls_from(fresh) > 0;
    }
    tell("timers.periodic: heard", heard);
    fresh();
    upcalls = 0;
    for (const u64 end = now_ns() + 10 * millisecond; now_ns() < end;)
        interrupts_off();
    tell("timers.periodic: heard with interrupts off", u32{upcalls});
    (void)hypercall(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    fresh();
    tell("timers.periodic: stopped", upcalls_from(fresh));

    const u64 before = now_ns();
    apic_timer_once(timer_vector, 300 * millisecond);  // should the wait begin too late
    (void)single_shot(before + 3 * millisecond);
    tell("timers.block", hypercall(__HYPERVISOR_sched_op, SCHEDOP_block, 0));
    tell("timers.block: not too early", now_ns() >= before + 3 * millisecond);
    fresh();
    sched_poll poll = {};
    evtchn_port_t ports[] = {port};
    set_xen_guest_handle(poll.ports, ports);
    poll.nr_ports = 1;
    (void)single_shot(now_ns() + 3 * millisecond);
    tell("timers.poll until it rings",
         hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address(&poll)));
    tell("timers.poll until it rings: pending", take_pending(port));
    poll.timeout = now_ns() + 3 * millisecond;
    tell("timers.poll until a time",
         hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, address(&poll)));
    tell("timers.poll until a time: not too early", now_ns() >= poll.timeout);
    fresh();
    close_port(port);
}

u32 ticks_from(auto cause) {
    ticks = 0;
    cause();
    wait_at_most(20 * millisecond, [] { return ticks > 0; });
    return ticks;
}

void ask_local_apic() {
    constexpr u32 x2apic_tpr = 0x808, x2apic_self = 0x83f, x2apic_count = 0x839;
    tell("apic.is x2APIC", apic_is_x2apic());
    tell("apic.id", apic_id());
    tell("apic.timer once", ticks_from([] { apic_timer_once(timer_vector, millisecond); }));
    tell("apic.timer once: count left", u32(rdmsr(x2apic_count)));
    tell("apic.timer stopped", ticks_from([] { apic_timer_once(timer_vector, 0); }));
    tell("apic.self IPI", ticks_from([=] { wrmsr(x2apic_self, timer_vector); }));
    tell("apic.self IPI under TPR", ticks_from([=] {
             wrmsr(x2apic_tpr, 0x60);
             wrmsr(x2apic_self, timer_vector);
         }));
    tell("apic.TPR opened", ticks_from([=] { wrmsr(x2apic_tpr, 0); }));
    for (const u32 number : {0x802u, 0x803u, 0x80au, 0x80du, 0x80fu, 0x828u, 0x832u, 0x83eu})
        tell("apic.register", words("{:x}", number), hex(rdmsr(number)));
}

}  // namespace

void ask_upcalls() {
    if (!clock_init().ok()) return;
    apic_init();
    on_trap(upcall_vector, [](TrapFrame&) {
        upcalls = upcalls + 1;
        apic_end_of_interrupt();
    });
    on_trap(timer_vector, [](TrapFrame&) {
        ticks = ticks + 1;
        apic_end_of_interrupt();
    });
    tell("upcalls.vector", events_init(upcall_vector).ok());
    wait_at_most(millisecond, [] { return false; });
    ask_two_levels();
    ask_timers();
    ask_local_apic();
}

}  // namespace oracle
