// Delivery: from a port to the guest's bits, in the ABI that it chose, and from there to its
// upcall.
#include <events/fifo.hpp>
#include <events/ports.hpp>
#include <events/two_level.hpp>

namespace hv {

void set_pending(Domain& domain, u32 port, EventPort& row) {
    events_of(domain).fifo ? fifo::set_pending(domain, port, row)
                           : two_level::set_pending(domain, port, row);
}

bool is_pending(Domain& domain, u32 port) {
    return events_of(domain).fifo ? fifo::is_pending(domain, port)
                                  : two_level::is_pending(domain, port);
}

bool is_masked(Domain& domain, u32 port) {
    return events_of(domain).fifo ? fifo::is_masked(domain, port)
                                  : two_level::is_masked(domain, port);
}

void clear_pending(Domain& domain, u32 port) {
    events_of(domain).fifo ? fifo::clear_pending(domain, port)
                           : two_level::clear_pending(domain, port);
}

void unmask(Domain& domain, u32 port, EventPort& row) {
    events_of(domain).fifo ? fifo::unmask(domain, port, row)
                           : two_level::unmask(domain, port, row);
}

void raise_upcall(Vcpu& vcpu) {
    if (vcpu.info == nullptr ||
        __atomic_exchange_n(&vcpu.info->evtchn_upcall_pending, u8{1}, __ATOMIC_SEQ_CST) != 0)
        return;
    if (vcpu.upcall_vector != 0)
        vcpu.apic.raise(vcpu.upcall_vector);
    else
        notify(vcpu, attention_interrupt);
}

Result<> send(Domain& domain, u32 port) {
    EventChannels& events = events_of(domain);
    DomainId remote_id;
    u32 remote_port;
    {
        Guard guard{events.lock};
        EventPort* const row = events.find(port);
        if (row == nullptr)
            return Error{XEN_EINVAL};
        switch (row->state) {
        case EventPort::State::unbound:
            return {};  // nobody is there yet: silence
        case EventPort::State::ipi:
            set_pending(domain, port, *row);
            return {};
        case EventPort::State::interdomain:
            remote_id = row->remote;
            remote_port = row->detail;
            break;
        default:
            return Error{XEN_EINVAL};
        }
    }

    // Between the two locks the other end may have closed: only its own row says who it talks to
    const DomainRef other = find_domain(domain.machine, remote_id);
    EventChannels* const theirs = other ? other->parts.find<EventChannels>() : nullptr;
    if (theirs == nullptr)
        return {};
    Guard guard{theirs->lock};
    EventPort* const row = theirs->find(remote_port);
    if (row != nullptr && row->state == EventPort::State::interdomain && row->remote == domain.id &&
        row->detail == port)
        set_pending(*other, remote_port, *row);
    return {};
}

}  // namespace hv
