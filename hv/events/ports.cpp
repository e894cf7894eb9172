// Event channels: a domain's ports, taken from the lowest number up and given back; and how one end
// rings the other, or the hypervisor rings a guest.
#include <algorithm>
#include <events/ports.hpp>
#include <events/trace.hpp>

namespace hv {

EventPort* EventChannels::find(u32 port) {
    if (port == 0 || port >= limit)
        return nullptr;
    Page* const page = pages[port / ports_per_page];
    return page != nullptr ? &(*page)[port % ports_per_page] : nullptr;
}

Result<EventPort*> EventChannels::row(u32 port) {
    EventPort* const found = find(port);
    if (found == nullptr)
        return Error{XEN_EINVAL};
    return found;
}

namespace {

using State = EventPort::State;

/// Makes a port what `row` says, but keeps where its word was linked last: it may be the tail
/// there.
void change(EventPort& port, const EventPort& row) {
    const u8 queue = port.queue;
    const u16 queue_vcpu = port.queue_vcpu;
    port = row;
    port.queue = queue;
    port.queue_vcpu = queue_vcpu;
}

/// Lets `act` see the other end of an interdomain `port`, with its lock held, if it is still there:
/// between two locks it may have closed, and only its own row says who it talks to. It is reserved
/// while it joins us.
template <class Act>
void at_other_end(Domain& domain, u32 port, const EventPort& row, Act act) {
    const DomainRef other = find_domain(domain.machine, row.remote);
    if (!other)
        return;
    EventChannels& theirs = events_of(*other);
    Guard guard{theirs.lock};
    EventPort* const end = theirs.find(row.detail);
    if (end != nullptr && (end->state == State::interdomain || end->state == State::reserved) &&
        end->remote == domain.id && end->detail == port)
        act(*other, *end);
}

}  // namespace

Result<u32> reserve_port(Domain& domain) {
    if (domain.life.load() >= Life::dying)
        return Error{XEN_EINVAL};
    EventChannels& events = events_of(domain);
    const u32 end = std::min(events.limit, events.abi->port_limit(domain));
    for (u32 port = 1; port < end; ++port) {
        EventChannels::Page*& page = events.pages[port / EventChannels::ports_per_page];
        if (page == nullptr)
            page = TRY(make<EventChannels::Page>(domain.machine));
        EventPort& row = *events.find(port);
        if (row.state != State::free)
            continue;
        row.state = State::reserved;
        return port;
    }
    return Error{XEN_ENOSPC};
}

void free_port(EventPort& port) { change(port, {}); }

Result<u32> bind_port(Domain& domain, const EventPort& row) {
    const u32 port = TRY(reserve_port(domain));
    change(*events_of(domain).find(port), row);
    return port;
}

Result<> close_port(Domain& domain, u32 port) {
    EventChannels& events = events_of(domain);
    EventPort before;
    {
        Guard guard{events.lock};
        EventPort& row = *TRY(events.row(port));
        if (row.state == State::free || row.state == State::reserved)
            return Error{XEN_EINVAL};
        before = row;
        if (before.state == State::virq)
            for (Vcpu* vcpu : domain.made_vcpus())
                if (events_of(*vcpu).virq_ports[before.detail] == port)
                    events_of(*vcpu).virq_ports[before.detail] = 0;
        events.abi->clear_pending(domain, port);
        free_port(row);
    }
    // The other end stays open, unbound, for us to come back
    if (before.state == State::interdomain)
        at_other_end(domain, port, before, [](Domain&, EventPort& end) {
            end.state = State::unbound;
            end.detail = 0;
        });
    return {};
}

Result<> send(Domain& domain, u32 port) {
    EventChannels& events = events_of(domain);
    EventPort before;
    {
        Guard guard{events.lock};
        EventPort& row = *TRY(events.row(port));
        if (row.state == State::ipi) {
            events.abi->set_pending(domain, port, row);
            return {};
        }
        before = row;
    }
    if (before.state == State::interdomain)
        at_other_end(domain, port, before, [&](Domain& other, EventPort& end) {
            events_of(other).abi->set_pending(other, before.detail, end);
        });
    // An unbound port is rung, too: nobody is there yet to hear it
    const bool rung = before.state == State::interdomain || before.state == State::unbound;
    return rung ? Result<>{} : Error{XEN_EINVAL};
}

void raise_upcall(Vcpu& vcpu) {
    if (vcpu.info == nullptr ||
        __atomic_exchange_n(&vcpu.info->abi.evtchn_upcall_pending, u8{1}, __ATOMIC_SEQ_CST) != 0)
        return;
    interrupt_for_events(vcpu);
}

bool is_global(u32 virq) {
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

void raise_virq(Vcpu& vcpu, u32 virq) {
    trace(this_cpu(), virq_raised, vcpu, virq);
    EventChannels& events = events_of(vcpu.domain);
    Guard guard{events.lock};
    const u32 port = events_of(vcpu).virq_ports[virq];
    if (EventPort* const row = events.find(port))
        events.abi->set_pending(vcpu.domain, port, *row);
}

// The caller's reference keeps the vCPUs, too
void raise_global_virq(Domain& domain, u32 virq) {
    for (Vcpu* vcpu : domain.made_vcpus())
        if (events_of(*vcpu).virq_ports[virq] != 0)
            return raise_virq(*vcpu, virq);
}

}  // namespace hv
