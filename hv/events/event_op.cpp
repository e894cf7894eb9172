// event_channel_op: what a guest may ask of its ports. Public header xen/event_channel.h.
#include <domains/calls.hpp>
#include <events/ports.hpp>
#include <events/trace.hpp>

namespace hv {
namespace {

using State = EventPort::State;

Result<> alloc_unbound(Call& call, evtchn_alloc_unbound_t& wish) {
    const DomainRef target = TRY(target_of(call, wish.dom));
    const DomainId remote = wish.remote_dom == DOMID_SELF ? call.domain.id : wish.remote_dom;
    Guard guard{events_of(*target).lock};
    wish.port = TRY(bind_port(*target, {.state = State::unbound, .remote = remote}));
    trace(call.cpu, port_opened, target->id, 0, target->id, wish.port, remote);
    return {};
}

/// Joins the caller's reserved `port` to the other's unbound one. The other's lock is taken here.
Result<> join_other_end(Call& call, Domain& other, u32 other_port, u32 port) {
    EventChannels& theirs = events_of(other);
    Guard guard{theirs.lock};
    EventPort& row = *TRY(theirs.row(other_port));
    if (row.state != State::unbound || row.remote != call.domain.id)
        return Error{XEN_EINVAL};
    row.state = State::interdomain;
    row.detail = port;
    return {};
}

Result<> bind_interdomain(Call& call, evtchn_bind_interdomain_t& wish) {
    const DomainId id = wish.remote_dom == DOMID_SELF ? call.domain.id : wish.remote_dom;
    const DomainRef other = find_domain(call.domain.machine, id);
    if (!other)
        return Error{XEN_ESRCH};
    EventChannels& events = events_of(call.domain);
    {
        Guard guard{events.lock};
        wish.local_port = TRY(reserve_port(call.domain));
        EventPort& row = *events.find(wish.local_port);
        row.remote = id;
        row.detail = wish.remote_port;
    }
    const Result<> joined = join_other_end(call, *other, wish.remote_port, wish.local_port);
    Guard guard{events.lock};
    EventPort& row = *events.find(wish.local_port);
    if (!joined.ok()) {
        free_port(row);
        return joined;
    }
    // The other end may have closed again already: then ours is unbound
    if (row.state == State::reserved)
        row.state = State::interdomain;
    // An event may have been meant for us before we came: look once
    events.abi->set_pending(call.domain, wish.local_port, row);
    trace(call.cpu, doorbell_given, call.domain.id, call.vcpu.id, call.domain.id, wish.local_port,
          id, wish.remote_port);
    return {};
}

Result<> bind_virq(Call& call, evtchn_bind_virq_t& wish) {
    if (wish.virq >= NR_VIRQS || (is_global(wish.virq) && wish.vcpu != 0))
        return Error{XEN_EINVAL};
    Vcpu* const vcpu = call.domain.find_vcpu(wish.vcpu);
    if (vcpu == nullptr)
        return Error{XEN_ENOENT};
    Guard guard{events_of(call.domain).lock};
    u32& bound = events_of(*vcpu).virq_ports[wish.virq];
    if (bound != 0)
        return Error{XEN_EEXIST};
    wish.port = bound = TRY(bind_port(call.domain, {.state = State::virq,
                                                    .vcpu = static_cast<u16>(wish.vcpu),
                                                    .detail = wish.virq}));
    return {};
}

Result<> bind_ipi(Call& call, evtchn_bind_ipi_t& wish) {
    if (call.domain.find_vcpu(wish.vcpu) == nullptr)
        return Error{XEN_ENOENT};
    Guard guard{events_of(call.domain).lock};
    wish.port = TRY(bind_port(call.domain, {.state = State::ipi,
                                            .vcpu = static_cast<u16>(wish.vcpu)}));
    return {};
}

Result<> status(Call& call, evtchn_status_t& wish) {
    const DomainRef target = TRY(target_of(call, wish.dom));
    EventChannels& events = events_of(*target);
    Guard guard{events.lock};
    const EventPort& row = *TRY(events.row(wish.port));
    constexpr u32 shown[] = {EVTCHNSTAT_closed,      EVTCHNSTAT_closed, EVTCHNSTAT_unbound,
                             EVTCHNSTAT_interdomain, EVTCHNSTAT_virq,   EVTCHNSTAT_ipi};
    wish.status = shown[static_cast<size_t>(row.state)];
    wish.vcpu = row.vcpu;
    if (row.state == State::unbound)
        wish.u.unbound.dom = row.remote;
    if (row.state == State::interdomain)
        wish.u.interdomain = {row.remote, row.detail};
    if (row.state == State::virq)
        wish.u.virq = row.detail;
    return {};
}

Result<> bind_vcpu(Call& call, const evtchn_bind_vcpu_t& wish) {
    if (call.domain.find_vcpu(wish.vcpu) == nullptr)
        return Error{XEN_ENOENT};
    EventChannels& events = events_of(call.domain);
    Guard guard{events.lock};
    EventPort& row = *TRY(events.row(wish.port));
    if (row.state != State::unbound && row.state != State::interdomain &&
        !(row.state == State::virq && is_global(row.detail)))
        return Error{XEN_EINVAL};
    row.vcpu = static_cast<u16>(wish.vcpu);
    return {};
}

Result<> unmask_port(Call& call, const evtchn_unmask_t& wish) {
    EventChannels& events = events_of(call.domain);
    Guard guard{events.lock};
    events.abi->unmask(call.domain, wish.port, *TRY(events.row(wish.port)));
    return {};
}

Result<> set_priority(Call& call, const evtchn_set_priority_t& wish) {
    EventChannels& events = events_of(call.domain);
    Guard guard{events.lock};
    EventPort& row = *TRY(events.row(wish.port));
    if (events.abi != &fifo_abi)
        return Error{XEN_ENOSYS};
    if (wish.priority > EVTCHN_FIFO_PRIORITY_MIN)
        return Error{XEN_EINVAL};
    row.priority = static_cast<u8>(wish.priority);
    return {};
}

Result<> reset(Call& call, const evtchn_reset_t& wish) {
    const DomainRef target = TRY(target_of(call, wish.dom));
    if (target->id != call.domain.id && !target->paused_by_toolstack)
        return Error{XEN_EINVAL};
    for (u32 port = 1; port < events_of(*target).limit; ++port)
        (void)close_port(*target, port);
    release_fifo(*target);
    return {};
}

Result<> init_control(Call& call, evtchn_init_control_t& wish) {
    wish.link_bits = EVTCHN_FIFO_LINK_BITS;
    TRY(hv::init_control(call.domain, wish));
    trace(call.cpu, fifo_chosen, call.domain.id, call.vcpu.id, call.domain.id, wish.vcpu);
    return {};
}

Result<> send_event(Call& call, const evtchn_send_t& wish) {
    trace(call.cpu, event_sent, call.vcpu, wish.port);
    return send(call.domain, wish.port);
}
Result<> close_event(Call& call, const evtchn_close_t& wish) {
    TRY(close_port(call.domain, wish.port));
    trace(call.cpu, port_closed, call.domain.id, call.vcpu.id, call.domain.id, wish.port);
    return {};
}
Result<> expand(Call& call, const evtchn_expand_array_t& wish) {
    return expand_array(call.domain, Gfn{wish.array_gfn});
}

/// Copies the argument in and lets `operation` work on it; copied back is what it may change, when
/// it succeeded.
template <class Wish>
Answer with_argument(Call& call, Result<> (*operation)(Call&, Wish&)) {
    std::remove_const_t<Wish> wish;
    TRY(call.read(wish, call.argument(1)));
    TRY(operation(call, wish));
    if constexpr (!std::is_const_v<Wish>)
        TRY(call.write(call.argument(1), wish));
    return 0;
}

template <auto operation>
Answer handle(Call& call) {
    return with_argument(call, operation);
}

constexpr struct {
    u64 number;
    HypercallHandler handler;
} operations[] = {
    {EVTCHNOP_send, handle<send_event>},
    {EVTCHNOP_unmask, handle<unmask_port>},
    {EVTCHNOP_alloc_unbound, handle<alloc_unbound>},
    {EVTCHNOP_bind_interdomain, handle<bind_interdomain>},
    {EVTCHNOP_bind_virq, handle<bind_virq>},
    {EVTCHNOP_bind_ipi, handle<bind_ipi>},
    {EVTCHNOP_bind_vcpu, handle<bind_vcpu>},
    {EVTCHNOP_close, handle<close_event>},
    {EVTCHNOP_status, handle<status>},
    {EVTCHNOP_reset, handle<reset>},
    {EVTCHNOP_init_control, handle<init_control>},
    {EVTCHNOP_expand_array, handle<expand>},
    {EVTCHNOP_set_priority, handle<set_priority>},
};

}  // namespace

Answer event_channel_op(Call& call) {
    for (const auto& [number, handler] : operations)
        if (number == call.argument(0))
            return handler(call);
    // No domain is given a physical interrupt to bind
    return Error{call.argument(0) == EVTCHNOP_bind_pirq ? XEN_EINVAL : XEN_ENOSYS};
}

}  // namespace hv
