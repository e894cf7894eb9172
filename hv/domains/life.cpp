// Who lives in the household, and how: born paused, run, paused again, shut down, taken apart,
// buried.
#include <algorithm>
#include <boot/start.hpp>
#include <domains/household.hpp>
#include <domains/memory.hpp>
#include <domains/shared_info.hpp>
#include <domains/trace.hpp>
#include <xen/domctl.h>
#include <xen/sched.h>

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
        if (domain.id >= id)
            return hold(domain);
    return {};
}

void DomainRef::let_go() {
    if (domain_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
        forget(*domain_);
}

namespace {

/// Puts the domain in the list at its place, under a free number. XEN_EEXIST, XEN_ENOMEM.
Result<> enlist(Household& house, Domain& domain) {
    Guard guard{house.list_lock};
    auto place = house.domains.begin();
    while (place != house.domains.end() && place->id < domain.id)
        ++place;
    if (place != house.domains.end() && place->id == domain.id)
        return Error{XEN_EEXIST};
    house.domains.insert(place, domain);
    return {};
}

/// The next number that no domain has; numbers come back only after all others were used.
DomainId free_number(Household& house) {
    Guard guard{house.list_lock};
    DomainId chosen;
    const auto has_it = [&](const Domain& domain) { return domain.id == chosen; };
    do {
        chosen = house.next_id;
        house.next_id = chosen + 1u < DOMID_FIRST_RESERVED ? chosen + 1 : 1;
    } while (std::any_of(house.domains.begin(), house.domains.end(), has_it));
    return chosen;
}

/// What every domain has from birth, before the later chapters furnish theirs.
Result<> furnish_ground(Domain& domain, const xen_domctl_createdomain& wish) {
    TRY(domain.p2m.open());
    domain.shared_info_frame = TRY(take_shared_frame(domain.machine));
    domain.policy.make_default(domain.machine, domain);
    domain.vcpu_limit = static_cast<u16>(wish.max_vcpus);
    __builtin_memcpy(domain.handle, wish.handle, sizeof domain.handle);
    domain.tsc_offset = 0 - domain.machine.clock.ticks();
    return {};
}

void tell_chapters_of_shut_down(Domain& domain) {
    const Household& house = household(domain.machine);
    for (size_t i = 0; i < house.plug_count; ++i)
        house.plugs[i]->shut_down(domain);
}

/// dom0 holds the machine's keys: when it powers off or reboots, so does the machine.
void end_machine(Cpu& cpu, u8 reason) {
    switch (reason) {
    case SHUTDOWN_poweroff:
        tell(cpu, dom0_powers_off, 0);
        boot::power_off(cpu.machine->facts);
    case SHUTDOWN_reboot:
        tell(cpu, dom0_reboots, 0);
        boot::reset(cpu.machine->facts);
    default:
        tell(cpu, dom0_lost, 0, reason);
    }
}

/// Moves the domain's life forward. False: it was there already, or farther.
bool advance(Domain& domain, Life to) {
    Life before = domain.life.load();
    do {
        if (before >= to)
            return false;
    } while (!domain.life.compare_exchange_weak(before, to));
    return true;
}

/// Takes its vCPUs off their pCPUs, or out of the queue: they may not run any more.
void put_to_sleep(Domain& domain) {
    for (Vcpu* vcpu : domain.made_vcpus())
        household(domain.machine).scheduler->sleep(*vcpu);
}

/// Unmaps and lets go of everything in the p2m, at least one piece; stops at a check after it.
Progress release_memory(Cpu& cpu, Domain& domain) {
    Gfn gfn{};
    Quarantine quarantine{domain};
    while (const auto next = domain.p2m.next_mapping(gfn)) {
        // What another pCPU unmapped in the meantime is that one's to let go
        if (const auto frame = domain.p2m.remove(gfn, next->order); frame.ok())
            quarantine.put(*frame, next->order, uses_of(domain, *frame));
        if (wanted_elsewhere(cpu))
            return Progress::again;
    }
    while (release_orphan(domain))
        if (wanted_elsewhere(cpu))
            return Progress::again;
    return Progress::done;
}

}  // namespace

Result<DomainRef> create_domain(Machine& machine, Cpu& cpu, DomainId id,
                                const xen_domctl_createdomain& wish) {
    if (wish.max_vcpus == 0 || wish.max_vcpus > max_vcpus)
        return Error{XEN_EINVAL};
    Household& house = household(machine);
    const DomainId number = id != 0 ? id : free_number(house);
    Domain& domain = *TRY(make<Domain>(machine, machine, number));

    Result<> furnished = furnish_ground(domain, wish);
    for (size_t i = 0; furnished.ok() && i < house.plug_count; ++i)
        furnished = house.plugs[i]->furnish(domain, wish);
    if (furnished.ok())
        furnished = enlist(house, domain);
    if (!furnished.ok()) {
        forget(domain);  // nobody has seen it yet
        return furnished.error();
    }
    tell(cpu, domain_created, number, number, wish.max_vcpus);
    return DomainRef{&domain};
}

void pause(Domain& domain) {
    if (domain.pauses.fetch_add(1, std::memory_order_acq_rel) == 0)
        domain.paused_at = domain.machine.clock.now();
    put_to_sleep(domain);
}

Result<> unpause(Domain& domain) {
    u32 pauses = domain.pauses.load(std::memory_order_relaxed);
    do {
        if (pauses == 0)
            return Error{XEN_EINVAL};
    } while (!domain.pauses.compare_exchange_weak(pauses, pauses - 1, std::memory_order_acq_rel));
    if (pauses > 1)
        return {};
    domain.paused_total += domain.machine.clock.now() - domain.paused_at;
    advance(domain, Life::alive);
    for (Vcpu* vcpu : domain.made_vcpus())
        household(domain.machine).scheduler->wake(*vcpu);
    return {};
}

bool stands_still(const Domain& domain) {
    for (const Vcpu* vcpu : domain.made_vcpus())
        if (vcpu->running)
            return false;
    return true;
}

void shut_down(Cpu& cpu, Domain& domain, u8 reason) {
    if (!advance(domain, Life::shut_down))
        return;
    if (domain.shutdown_reason == Domain::no_reason)
        domain.shutdown_reason = reason;
    reason = domain.shutdown_reason;
    put_to_sleep(domain);
    if (domain.privileged)
        return end_machine(cpu, reason);
    tell(cpu, reason == SHUTDOWN_crash ? domain_crashed : domain_shut_down, domain.id, domain.id,
         reason);
    tell_chapters_of_shut_down(domain);
}

Progress destroy(Cpu& cpu, Domain& domain) {
    if (domain.taken_apart.load())
        return Progress::done;
    if (advance(domain, Life::dying)) {
        put_to_sleep(domain);
        tell(cpu, domain_dying, domain.id, domain.id, domain.exits, domain.hypercalls,
             domain.frames_owned.load());
    }
    if (!stands_still(domain))
        return Progress::again;
    domain.p2m.seal();
    for (Vcpu* vcpu : domain.made_vcpus())
        cancel_timers(*vcpu);

    // The chapters let go first, the latest before the earlier ones that it stands on
    const Household& house = household(domain.machine);
    for (size_t i = house.plug_count; i-- > 0;)
        if (house.plugs[i]->release(domain) == Progress::again)
            return Progress::again;
    for (Vcpu* vcpu : domain.made_vcpus())
        attach_vcpu_info(*vcpu);
    if (release_memory(cpu, domain) == Progress::again)
        return Progress::again;
    if (!domain.taken_apart.exchange(true)) {
        while (release_orphan(domain))  // what lost its place in these last moments
            ;
        bury_if_free(domain);
        tell_chapters_of_shut_down(domain);
    }
    return Progress::done;
}

void bury_if_free(Domain& domain) {
    if (!domain.taken_apart.load() || domain.frames_owned.load() != 0)
        return;
    if (!advance(domain, Life::dead))
        return;
    {
        Household& house = household(domain.machine);
        Guard guard{house.list_lock};
        house.domains.erase(house.domains.iterator_to(domain));
    }
    tell(this_cpu(), domain_gone, domain.id, domain.id);
    const DomainRef last{&domain};  // the list's own reference ends here
}

void forget(Domain& domain) {
    Machine& machine = domain.machine;
    for (Vcpu* vcpu : domain.made_vcpus())
        destroy_vcpu(*vcpu);
    const Household& house = household(machine);
    for (size_t i = house.plug_count; i-- > 0;)
        house.plugs[i]->forget(domain);
    if (domain.memory_map_frame.value != 0)
        machine.frames.give_back(domain.memory_map_frame);
    if (domain.shared_info_frame.value != 0)
        end_use(machine, domain.shared_info_frame);
    domain.p2m.close();
    unmake(machine, &domain);
}

}  // namespace hv
