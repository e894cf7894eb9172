// The household: who exists, and how chapters join.
#include <domains/household.hpp>

namespace hv {

void join(Machine& machine, const DomainPlug& plug) {
    Household& house = household(machine);
    house.plugs[house.plug_count++] = &plug;
    for (const HypercallRow& row : plug.hypercalls)
        house.hypercalls[row.number] = row.handler;
    for (const PhysmapSpace& space : plug.physmap_spaces)
        house.physmap_spaces[space.space] = space;
}

DomainRef find_domain(Machine& machine, DomainId id) {
    DomainRef found = next_domain(machine, id);
    return found && found->id == id ? std::move(found) : DomainRef{};
}

DomainRef next_domain(Machine& machine, DomainId id) {
    Household& house = household(machine);
    Guard guard{house.list_lock};
    for (Domain& domain : house.domains)
        if (domain.id >= id) {
            domain.references.fetch_add(1, std::memory_order_relaxed);
            return DomainRef{&domain};
        }
    return {};
}

DomainRef::~DomainRef() {
    if (domain_ != nullptr && domain_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
        forget(*domain_);
}

}  // namespace hv
