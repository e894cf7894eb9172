// A domain's ports: taken from the lowest number up, and given back.
#include <algorithm>
#include <events/ports.hpp>
#include <events/two_level.hpp>

namespace hv {

VcpuEvents::VcpuEvents(Vcpu& vcpu) : poll_timer{poll_timed_out, vcpu} {}

EventPort* EventChannels::find(u32 port) {
    if (port == 0 || port >= limit)
        return nullptr;
    EventPort* const page = pages[port / ports_per_page];
    return page != nullptr ? page + port % ports_per_page : nullptr;
}

namespace {

/// Makes a port what `row` says, but keeps where its word was linked last: it may be the tail
/// there.
void change(EventPort& port, const EventPort& row) {
    const u8 queue = port.queue;
    const u16 queue_vcpu = port.queue_vcpu;
    port = row;
    port.queue = queue;
    port.queue_vcpu = queue_vcpu;
}

}  // namespace

Result<u32> reserve_port(Domain& domain) {
    EventChannels& events = events_of(domain);
    Machine& machine = domain.machine;
    const u32 shown = events.fifo ? events.limit : two_level::port_limit(domain);
    for (u32 port = 1; port < std::min(events.limit, shown); ++port) {
        EventPort*& page = events.pages[port / EventChannels::ports_per_page];
        if (page == nullptr) {
            const Result<Mfn> frame = machine.frames.take(owner_hypervisor);
            TRY(frame);
            page = reinterpret_cast<EventPort*>(machine.memory.at(*frame));
            for (u32 i = 0; i < EventChannels::ports_per_page; ++i)
                new (page + i) EventPort{};
        }
        EventPort& row = page[port % EventChannels::ports_per_page];
        if (row.state != EventPort::State::free)
            continue;
        row.state = EventPort::State::reserved;
        return port;
    }
    return Error{XEN_ENOSPC};
}

void free_port(Domain&, EventPort& port) { change(port, {}); }

Result<u32> bind_port(Domain& domain, const EventPort& row) {
    const Result<u32> port = reserve_port(domain);
    TRY(port);
    change(*events_of(domain).find(*port), row);
    return port;
}

Result<> close_port(Domain& domain, u32 port) {
    EventChannels& events = events_of(domain);
    EventPort before;
    {
        Guard guard{events.lock};
        EventPort* const row = events.find(port);
        if (row == nullptr || row->state == EventPort::State::free ||
            row->state == EventPort::State::reserved)
            return Error{XEN_EINVAL};
        before = *row;
        if (before.state == EventPort::State::virq)
            for (Vcpu* vcpu : domain.made_vcpus())
                if (events_of(*vcpu).virq_ports[before.detail] == port)
                    events_of(*vcpu).virq_ports[before.detail] = 0;
        clear_pending(domain, port);
        free_port(domain, *row);
    }
    if (before.state != EventPort::State::interdomain)
        return {};

    // The other end stays open, unbound, for us to come back
    const DomainRef other = find_domain(domain.machine, before.remote);
    EventChannels* const theirs = other ? other->parts.find<EventChannels>() : nullptr;
    if (theirs == nullptr)
        return {};
    Guard guard{theirs->lock};
    EventPort* const row = theirs->find(before.detail);
    if (row != nullptr && row->state == EventPort::State::interdomain && row->remote == domain.id &&
        row->detail == port) {
        row->state = EventPort::State::unbound;
        row->detail = 0;
    }
    return {};
}

}  // namespace hv
