// event_channel_op (xen/event_channel.h): ports, and every way in which one is refused.
#include "places.hpp"

namespace oracle {
namespace {

template <class T> long event(u32 command, T& argument) {
    return hypercall(__HYPERVISOR_event_channel_op, command, address(&argument));
}

long unbound(u16 domain, u16 remote, u32& port) {
    evtchn_alloc_unbound argument = {domain, remote, 0};
    const long result = event(EVTCHNOP_alloc_unbound, argument);
    port = argument.port;
    return result;
}
long close(u32 port) {
    evtchn_close argument = {port};
    return event(EVTCHNOP_close, argument);
}
long send(u32 port) {
    evtchn_send argument = {port};
    return event(EVTCHNOP_send, argument);
}
long unmask(u32 port) {
    evtchn_unmask argument = {port};
    return event(EVTCHNOP_unmask, argument);
}
long bind_vcpu(u32 port, u32 vcpu) {
    evtchn_bind_vcpu argument = {port, vcpu};
    return event(EVTCHNOP_bind_vcpu, argument);
}
long interdomain(u16 domain, u32 remote, u32& port) {
    evtchn_bind_interdomain argument = {domain, remote, 0};
    const long result = event(EVTCHNOP_bind_interdomain, argument);
    port = argument.local_port;
    return result;
}
long virq(u32 which, u32 vcpu, u32& port) {
    evtchn_bind_virq argument = {which, vcpu, 0};
    const long result = event(EVTCHNOP_bind_virq, argument);
    port = argument.port;
    return result;
}
long ipi(u32 vcpu, u32& port) {
    evtchn_bind_ipi argument = {vcpu, 0};
    const long result = event(EVTCHNOP_bind_ipi, argument);
    port = argument.port;
    return result;
}

/// What EVTCHNOP_status says of a port: its state and its vCPU, or the refusal.
void tell_status(std::string_view name, u32 port, u16 domain = DOMID_SELF) {
    evtchn_status argument = {};
    argument.dom = domain;
    argument.port = port;
    const long result = event(EVTCHNOP_status, argument);
    tell("events.status of", name, result);
    if (result != 0) return;
    tell("events.status is", name, argument.status);
    tell("events.status, vCPU", name, argument.vcpu);
}

/// Everything that can be asked of a port, of one in each state.
void ask_of_port(std::string_view name, u32 port) {
    tell_status(name, port);
    tell("events.send to", name, send(port));
    tell("events.unmask of", name, unmask(port));
    tell("events.bind to vCPU 1", name, bind_vcpu(port, 1));
    tell("events.bind to vCPU 0", name, bind_vcpu(port, 0));
    tell("events.bind to vCPU 2", name, bind_vcpu(port, 2));
    evtchn_set_priority priority = {port, 3};
    tell("events.priority of", name, event(EVTCHNOP_set_priority, priority));
    u32 joined = 0;
    tell("events.join", name, interdomain(DOMID_SELF, port, joined));
    if (joined != 0) tell("events.close what joined", name, close(joined));
    tell("events.close", name, close(port));
    tell_status(words("{}, closed", name).view(), port);
    tell("events.close again", name, close(port));
}

void ask_states() {
    u32 port = 0;
    tell("events.unbound: for dom0", unbound(DOMID_SELF, 0, port));
    ask_of_port("unbound for dom0", port);
    tell("events.unbound: for oneself", unbound(DOMID_SELF, DOMID_SELF, port));
    ask_of_port("unbound for oneself", port);
    tell("events.ipi: vCPU 0", ipi(0, port));
    ask_of_port("ipi", port);
    tell("events.virq: timer", virq(VIRQ_TIMER, 0, port));
    u32 none = 0;
    tell("events.virq: timer again", virq(VIRQ_TIMER, 0, none));
    ask_of_port("virq timer", port);
    tell("events.virq: debug on vCPU 1", virq(VIRQ_DEBUG, 1, port));
    ask_of_port("virq debug", port);
    for (const u32 wrong : {0u, 500u, 1023u, 1024u, 4096u, 131072u, ~0u})
        ask_of_port(words("port {}", wrong).view(), wrong);
}

void ask_bindings() {
    u32 port = 0, other = 0;
    struct Case {
        u32 virq, vcpu;
    };
    for (u32 which = 0; which < 27; which++) {
        tell("events.virq on vCPU 0", words("{}", which), virq(which, 0, port));
        if (port != 0) (void)close(port);
    }
    for (const auto& [which, vcpu] : {Case{0, 1}, {0, 2}, {0, ~0u}, {2, 1}, {~0u, 0}, {24, 1}}) {
        tell("events.virq", words("{} on vCPU {}", which, vcpu), virq(which, vcpu, port));
        if (port != 0) (void)close(port);
    }
    tell("events.ipi: vCPU 1", ipi(1, port));
    (void)close(port);
    tell("events.ipi: vCPU 2", ipi(2, port));
    tell("events.ipi: vCPU of all ones", ipi(~0u, port));
    tell("events.unbound: dom0's port", unbound(0, 0, port));
    tell("events.unbound: nobody's port", unbound(9999, 0, port));
    tell("events.unbound: for nobody", unbound(DOMID_SELF, 9999, port));
    if (port != 0) (void)close(port);
    tell("events.interdomain: dom0's port 1", interdomain(0, 1, port));
    tell("events.interdomain: dom0's port 1000", interdomain(0, 1000, port));
    tell("events.interdomain: nobody's port", interdomain(9999, 1, port));
    tell("events.interdomain: own port 0", interdomain(DOMID_SELF, 0, port));
    tell("events.interdomain: DOMID_IO", interdomain(DOMID_IO, 1, port));

    (void)unbound(DOMID_SELF, DOMID_SELF, port);
    tell("events.loopback", interdomain(DOMID_SELF, port, other));
    tell_status("one end", port);
    tell_status("the other end", other);
    tell("events.loopback: join once more", interdomain(DOMID_SELF, port, port));
    tell("events.loopback: close the far end", close(other));
    tell_status("dom0's port 1", 1, 0);
    tell_status("nobody's port", 1, 9999);
    evtchn_bind_pirq pirq = {1, 0, 0};
    tell("events.pirq: 1", event(EVTCHNOP_bind_pirq, pirq));
    pirq.pirq = ~0u;
    tell("events.pirq: all ones", event(EVTCHNOP_bind_pirq, pirq));
    evtchn_reset reset = {0};
    tell("events.reset: dom0", event(EVTCHNOP_reset, reset));
    reset.dom = 9999;
    tell("events.reset: nobody", event(EVTCHNOP_reset, reset));
}

void ask_arguments() {
    for (u32 command = 0; command < 18; command++)
        tell("events.absent", words("command {}", command),
             hypercall(__HYPERVISOR_event_channel_op, command, absent_page()));
    tell("events.command: all ones",
         hypercall(__HYPERVISOR_event_channel_op, ~0u, absent_page()));
    const evtchn_status status = {DOMID_SELF, 5, 0, 0, {}};
    tell_at_places("events.status at", status, [](u64 at) {
        return hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_status, at);
    });
    const evtchn_alloc_unbound wish = {DOMID_SELF, DOMID_SELF, 0};
    tell_at_places("events.unbound at", wish, [](u64 at) {
        return hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, at);
    });
}

void ask_bad_pages() {
    evtchn_init_control control = {};
    control.control_gfn = 0x70000;
    tell("events.fifo: control without RAM", event(EVTCHNOP_init_control, control));
    control.control_gfn = address(places()[0].name.data()) >> page_shift;
    control.offset = 4092;
    tell("events.fifo: control over the end", event(EVTCHNOP_init_control, control));
    control.offset = 4;
    tell("events.fifo: control unaligned", event(EVTCHNOP_init_control, control));
    control.offset = 0;
    control.vcpu = 2;
    tell("events.fifo: vCPU 2", event(EVTCHNOP_init_control, control));
    evtchn_expand_array expand = {0x70000};
    tell("events.fifo: expand before control", event(EVTCHNOP_expand_array, expand));
}

}  // namespace

void ask_events() {
    ask_states();
    ask_bindings();
    ask_arguments();
    ask_bad_pages();
    evtchn_reset reset = {DOMID_SELF};
    tell("events.reset: oneself", event(EVTCHNOP_reset, reset));
    u32 port = 0;
    tell("events.reset: the next port", (void(unbound(DOMID_SELF, 0, port)), port));
    (void)close(port);
}

}  // namespace oracle
