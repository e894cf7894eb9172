// sched_op (xen/sched.h): giving the processor up, waiting; the endings have a room of their own.
#include "places.hpp"

namespace oracle {
namespace {

template <class T> long sched(u32 command, T& argument) {
    return hypercall(__HYPERVISOR_sched_op, command, address(&argument));
}

long poll(u64 ports, u32 count, u64 timeout) {
    sched_poll wish = {};
    wish.ports.p = reinterpret_cast<evtchn_port_t*>(ports);
    wish.nr_ports = count;
    wish.timeout = timeout;
    return sched(SCHEDOP_poll, wish);
}

void ask_poll() {
    constexpr u64 long_ago = 1;
    evtchn_port_t ports[200] = {};
    tell("sched.poll: no port, a time long ago", poll(address(ports), 0, long_ago));
    ports[0] = 0;
    tell("sched.poll: port 0", poll(address(ports), 1, long_ago));
    ports[0] = 4095;
    tell("sched.poll: port 4095", poll(address(ports), 1, long_ago));
    ports[0] = 4096;
    tell("sched.poll: port 4096", poll(address(ports), 1, long_ago));
    ports[0] = ~0u;
    tell("sched.poll: port of all ones", poll(address(ports), 1, long_ago));
    tell("sched.poll: 129 ports", poll(address(ports), 129, long_ago));
    tell("sched.poll: all ones", poll(address(ports), ~0u, long_ago));
    tell("sched.poll: absent ports", poll(absent_page(), 1, long_ago));
}

void ask_others() {
    sched_remote_shutdown remote = {0, SHUTDOWN_crash};
    tell("sched.remote shutdown: of dom0", sched(SCHEDOP_remote_shutdown, remote));
    remote.domain_id = 9999;
    tell("sched.remote shutdown: of nobody", sched(SCHEDOP_remote_shutdown, remote));
    remote.domain_id = DOMID_SELF;
    tell("sched.remote shutdown: DOMID_SELF", sched(SCHEDOP_remote_shutdown, remote));
    sched_pin_override pin = {0};
    tell("sched.pin override: 0", sched(SCHEDOP_pin_override, pin));
    pin.pcpu = -1;
    tell("sched.pin override: none", sched(SCHEDOP_pin_override, pin));
    sched_watchdog watchdog = {0, 1000};
    const long id = sched(SCHEDOP_watchdog, watchdog);
    tell("sched.watchdog: a new one", id);
    watchdog = {u32(id), 2000};
    tell("sched.watchdog: again", sched(SCHEDOP_watchdog, watchdog));
    watchdog = {u32(id), 0};
    tell("sched.watchdog: stopped", sched(SCHEDOP_watchdog, watchdog));
    watchdog = {77, 1000};
    tell("sched.watchdog: id 77", sched(SCHEDOP_watchdog, watchdog));
}

}  // namespace

void ask_sched() {
    tell("sched.yield", hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0));
    tell("sched.yield: with a pointer", hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, ~0ull));
    ask_poll();
    ask_others();
    for (u32 command = 2; command < 10; command++)
        tell("sched.absent", words("command {}", command),
             hypercall(__HYPERVISOR_sched_op, command, absent_page()));
    tell("sched.command: all ones", hypercall(__HYPERVISOR_sched_op, ~0u, 0));
    for (u32 command = 2; command < 6; command++)
        tell("sched.compat, absent", words("command {}", command),
             hypercall(__HYPERVISOR_sched_op_compat, command, absent_page()));
    const sched_remote_shutdown remote = {9999, 0};
    tell_at_places("sched.remote shutdown at", remote, [](u64 at) {
        return hypercall(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, at);
    });
}

}  // namespace oracle
