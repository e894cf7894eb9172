// VIRQs: events from the hypervisor itself, to a vCPU or to a whole domain.
#include <events/ports.hpp>

namespace hv {

bool is_global(u32 virq) {
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
           virq != VIRQ_XENPMU;
}

void raise_virq(Vcpu& vcpu, u32 virq) {
    EventChannels& events = events_of(vcpu.domain);
    Guard guard{events.lock};
    const u32 port = events_of(vcpu).virq_ports[virq];
    if (EventPort* const row = events.find(port))
        set_pending(vcpu.domain, port, *row);
}

// The caller's reference keeps the vCPUs, too
void raise_global_virq(Domain& domain, u32 virq) {
    for (Vcpu* vcpu : domain.made_vcpus())
        if (events_of(*vcpu).virq_ports[virq] != 0)
            return raise_virq(*vcpu, virq);
}

}  // namespace hv
