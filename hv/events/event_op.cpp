// event_channel_op: what a guest may ask of its ports. Public header xen/event_channel.h.
#include <events/fifo.hpp>
#include <events/ports.hpp>
#include <events/trace.hpp>

namespace hv {
namespace {

using State = EventPort::State;

s64 refuse(Errno code) { return -static_cast<s64>(code); }

/// The domain that an operation names: the caller, or another when the caller is privileged.
/// XEN_ESRCH, XEN_EPERM.
Result<> check_target(Call& call, DomainId id, DomainRef& target) {
    const bool self = id == DOMID_SELF || id == call.domain.id;
    target = find_domain(call.domain.machine, self ? call.domain.id : id);
    if (!target)
        return Error{XEN_ESRCH};
    if (!self && !call.domain.privileged)
        return Error{XEN_EPERM};
    return {};
}

Result<> alloc_unbound(Call& call, evtchn_alloc_unbound_t& wish) {
    DomainRef target;
    TRY(check_target(call, wish.dom, target));
    const DomainId remote = wish.remote_dom == DOMID_SELF ? call.domain.id : wish.remote_dom;
    Guard guard{events_of(*target).lock};
    const Result<u32> port = bind_port(*target, {.state = State::unbound, .remote = remote});
    TRY(port);
    wish.port = *port;
    return {};
}

/// Joins the caller's reserved `port` to the other's unbound one. The other's lock is taken here.
Result<> join_other_end(Call& call, Domain& other, u32 other_port, u32 port) {
    EventChannels& theirs = events_of(other);
    Guard guard{theirs.lock};
    EventPort* const row = theirs.find(other_port);
    if (row == nullptr || row->state != State::unbound || row->remote != call.domain.id)
        return Error{XEN_EINVAL};
    row->state = State::interdomain;
    row->remote = call.domain.id;
    row->detail = port;
    return {};
}

Result<> bind_interdomain(Call& call, evtchn_bind_interdomain_t& wish) {
    const DomainId id = wish.remote_dom == DOMID_SELF ? call.domain.id : wish.remote_dom;
    const DomainRef other = find_domain(call.domain.machine, id);
    if (!other || other->parts.find<EventChannels>() == nullptr)
        return Error{XEN_ESRCH};
    EventChannels& events = events_of(call.domain);
    Result<u32> port{Error{XEN_ENOSPC}};
    {
        Guard guard{events.lock};
        port = reserve_port(call.domain);
    }
    TRY(port);
    const Result<> joined = join_other_end(call, *other, wish.remote_port, *port);
    Guard guard{events.lock};
    EventPort& row = *events.find(*port);
    if (!joined.ok()) {
        free_port(call.domain, row);
        return joined;
    }
    row.state = State::interdomain;
    row.remote = id;
    row.detail = wish.remote_port;
    // An event may have been meant for us before we came: look once
    set_pending(call.domain, *port, row);
    wish.local_port = *port;
    trace(call.cpu, doorbell_given, call.domain.id, call.vcpu.id, call.domain.id, *port, id,
          wish.remote_port);
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
    const Result<u32> port =
        bind_port(call.domain, {.state = State::virq,
                                .vcpu = static_cast<u16>(wish.vcpu),
                                .detail = wish.virq});
    TRY(port);
    bound = *port;
    wish.port = *port;
    return {};
}

Result<> bind_ipi(Call& call, evtchn_bind_ipi_t& wish) {
    if (call.domain.find_vcpu(wish.vcpu) == nullptr)
        return Error{XEN_ENOENT};
    Guard guard{events_of(call.domain).lock};
    const Result<u32> port =
        bind_port(call.domain, {.state = State::ipi, .vcpu = static_cast<u16>(wish.vcpu)});
    TRY(port);
    wish.port = *port;
    return {};
}

Result<> status(Call& call, evtchn_status_t& wish) {
    DomainRef target;
    TRY(check_target(call, wish.dom, target));
    EventChannels& events = events_of(*target);
    Guard guard{events.lock};
    const EventPort* const row = events.find(wish.port);
    if (row == nullptr)
        return Error{XEN_EINVAL};
    wish.status = EVTCHNSTAT_closed;
    wish.vcpu = row->vcpu;
    switch (row->state) {
    case State::unbound:
        wish.status = EVTCHNSTAT_unbound;
        wish.u.unbound.dom = row->remote;
        break;
    case State::interdomain:
        wish.status = EVTCHNSTAT_interdomain;
        wish.u.interdomain.dom = row->remote;
        wish.u.interdomain.port = row->detail;
        break;
    case State::virq:
        wish.status = EVTCHNSTAT_virq;
        wish.u.virq = row->detail;
        break;
    case State::ipi:
        wish.status = EVTCHNSTAT_ipi;
        break;
    default:
        break;
    }
    return {};
}

Result<> bind_vcpu(Call& call, const evtchn_bind_vcpu_t& wish) {
    if (call.domain.find_vcpu(wish.vcpu) == nullptr)
        return Error{XEN_ENOENT};
    EventChannels& events = events_of(call.domain);
    Guard guard{events.lock};
    EventPort* const row = events.find(wish.port);
    if (row == nullptr)
        return Error{XEN_EINVAL};
    const bool moves = row->state == State::unbound || row->state == State::interdomain ||
                       row->state == State::pirq ||
                       (row->state == State::virq && is_global(row->detail));
    if (!moves)
        return Error{XEN_EINVAL};
    row->vcpu = static_cast<u16>(wish.vcpu);
    return {};
}

Result<> unmask_port(Call& call, const evtchn_unmask_t& wish) {
    EventChannels& events = events_of(call.domain);
    Guard guard{events.lock};
    EventPort* const row = events.find(wish.port);
    if (row == nullptr)
        return Error{XEN_EINVAL};
    unmask(call.domain, wish.port, *row);
    return {};
}

Result<> set_priority(Call& call, const evtchn_set_priority_t& wish) {
    EventChannels& events = events_of(call.domain);
    Guard guard{events.lock};
    EventPort* const row = events.find(wish.port);
    if (row == nullptr)
        return Error{XEN_EINVAL};
    if (!events.fifo)
        return Error{XEN_ENOSYS};
    if (wish.priority > EVTCHN_FIFO_PRIORITY_MIN)
        return Error{XEN_EINVAL};
    row->priority = static_cast<u8>(wish.priority);
    return {};
}

Result<> reset(Call& call, const evtchn_reset_t& wish) {
    DomainRef target;
    TRY(check_target(call, wish.dom, target));
    for (u32 port = 1; port < events_of(*target).limit; ++port)
        (void)close_port(*target, port);
    fifo::release(*target);
    return {};
}

Result<> init_control(Call& call, evtchn_init_control_t& wish) {
    wish.link_bits = EVTCHN_FIFO_LINK_BITS;
    TRY(fifo::init_control(call.domain, wish));
    trace(call.cpu, fifo_chosen, call.domain.id, call.vcpu.id, call.domain.id, wish.vcpu);
    return {};
}

/// Copies the argument in, lets `operation` work on it, and copies it back when it succeeded.
template <class Wish>
s64 with(Call& call, Result<> (*operation)(Call&, Wish&)) {
    Wish wish;
    if (const auto read = call.read(wish, call.argument(1)); !read.ok())
        return failure(read.error());
    if (const auto done = operation(call, wish); !done.ok())
        return failure(done.error());
    return answer(call.write(call.argument(1), wish));
}

/// The same for an argument that only goes in.
template <class Wish>
s64 with(Call& call, Result<> (*operation)(Call&, const Wish&)) {
    Wish wish;
    if (const auto read = call.read(wish, call.argument(1)); !read.ok())
        return failure(read.error());
    return answer(operation(call, wish));
}

Result<> send_event(Call& call, const evtchn_send_t& wish) {
    trace(call.cpu, event_sent, call.domain.id, call.vcpu.id, call.domain.id, wish.port);
    return send(call.domain, wish.port);
}
Result<> close_event(Call& call, const evtchn_close_t& wish) {
    return close_port(call.domain, wish.port);
}
Result<> expand(Call& call, const evtchn_expand_array_t& wish) {
    return fifo::expand_array(call.domain, Gfn{wish.array_gfn});
}

}  // namespace

Answer event_channel_op(Call& call) {
    switch (call.argument(0)) {
    case EVTCHNOP_send:
        return with<evtchn_send_t>(call, send_event);
    case EVTCHNOP_unmask:
        return with<evtchn_unmask_t>(call, unmask_port);
    case EVTCHNOP_alloc_unbound:
        return with<evtchn_alloc_unbound_t>(call, alloc_unbound);
    case EVTCHNOP_bind_interdomain:
        return with<evtchn_bind_interdomain_t>(call, bind_interdomain);
    case EVTCHNOP_bind_virq:
        return with<evtchn_bind_virq_t>(call, bind_virq);
    case EVTCHNOP_bind_ipi:
        return with<evtchn_bind_ipi_t>(call, bind_ipi);
    case EVTCHNOP_close:
        return with<evtchn_close_t>(call, close_event);
    case EVTCHNOP_status:
        return with<evtchn_status_t>(call, status);
    case EVTCHNOP_bind_vcpu:
        return with<evtchn_bind_vcpu_t>(call, bind_vcpu);
    case EVTCHNOP_reset:
        return with<evtchn_reset_t>(call, reset);
    case EVTCHNOP_init_control:
        return with<evtchn_init_control_t>(call, init_control);
    case EVTCHNOP_expand_array:
        return with<evtchn_expand_array_t>(call, expand);
    case EVTCHNOP_set_priority:
        return with<evtchn_set_priority_t>(call, set_priority);
    case EVTCHNOP_bind_pirq:
        return refuse(XEN_EINVAL);  // this domain was given no physical interrupt
    default:
        return refuse(XEN_ENOSYS);
    }
}

}  // namespace hv
