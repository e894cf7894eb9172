// A domain's RAM: how frames are given, lent and let go.
#include <domains/household.hpp>
#include <domains/memory.hpp>
#include <domains/shootdown.hpp>

namespace hv {

void Quarantine::put(Mfn frame, u8 order, u8 uses) {
    held_[count_++] = {frame, order, uses};
    changed_ = true;
    if (count_ == capacity)
        settle();
}

void Quarantine::put_table(Mfn table) {
    domain_.machine.frames.row(table).next = static_cast<u32>(tables_.value);
    tables_ = table;
    changed_ = true;
}

void Quarantine::settle() {
    if (!changed_)
        return;
    shoot_down(domain_);
    Machine& machine = domain_.machine;
    while (tables_.value != 0) {
        const Mfn table = tables_;
        tables_ = Mfn{machine.frames.row(table).next};
        machine.frames.give_back(table);
    }
    for (u32 i = 0; i < count_; ++i)
        end_use(machine, held_[i].frame, held_[i].order, held_[i].uses);
    count_ = 0;
    changed_ = false;
}

void add_use(Machine& machine, Mfn frame) {
    __atomic_fetch_add(&machine.frames.row(frame).uses, 1, __ATOMIC_RELAXED);
}

namespace {

/// Ends uses of one frame; true when that was the last.
bool drop(FrameRow& row, u8 uses) {
    return __atomic_sub_fetch(&row.uses, uses, __ATOMIC_ACQ_REL) == 0;
}

/// `count` frames of the domain are free again: if it is dying, it may be able to leave.
void count_out(Domain& domain, u64 count) {
    domain.frames_owned.fetch_sub(count);
    bury_if_free(domain);
}

}  // namespace

void end_use(Machine& machine, Mfn frame, u8 order, u8 uses) {
    // A block comes back whole when every frame of it does; otherwise each frame by whoever ended
    // its last use
    const u64 count = 1ull << order;
    const DomainId owner = machine.frames.row(frame).owner;
    u64 freed = 0;
    for (u64 i = 0; i < count; ++i) {
        const bool whole = freed == i;
        const bool last = drop(machine.frames.row(frame + i), uses);
        for (u64 j = 0; whole && !last && j < i; ++j)
            machine.frames.give_back(frame + j);
        if (!whole && last)
            machine.frames.give_back(frame + i);
        freed += last;
    }
    if (freed == count)
        machine.frames.give_back(frame, order);
    if (freed == 0 || owner == owner_hypervisor)
        return;
    if (const DomainRef domain = find_domain(machine, owner))
        count_out(*domain, freed);
}

namespace {

Result<> map_new_ram(Domain& domain, Gfn gfn, u8 order) {
    Machine& machine = domain.machine;
    const Result<Mfn> block = machine.frames.take(domain.id, order);
    TRY(block);
    for (u64 i = 0; i < 1ull << order; ++i)
        machine.frames.row(*block + i).uses = 2;  // owned, and mapped
    const Result<> added = domain.p2m.add(gfn, *block, order, x86::full_access);
    if (!added.ok())
        machine.frames.give_back(*block, order);
    return added;
}

}  // namespace

Result<> give_ram(Domain& domain, Gfn gfn, u8 order) {
    const u64 count = 1ull << order;
    if (domain.life.load() >= Life::dying)
        return Error{XEN_ESRCH};
    // Counted first, for two pCPUs may give at once
    u64 owned = domain.frames_owned.load();
    do {
        if (owned + count > domain.frames_limit)
            return Error{XEN_EPERM};
    } while (!domain.frames_owned.compare_exchange_weak(owned, owned + count));
    const Result<> given = map_new_ram(domain, gfn, order);
    if (!given.ok())
        count_out(domain, count);
    return given;
}

u8 uses_of(const Domain& domain, Mfn frame) {
    return domain.machine.frames.row(frame).owner == domain.id ? 2 : 1;
}

Result<> take_ram(Domain& domain, Gfn gfn, u8 order, Quarantine& quarantine) {
    const Result<GuestFrame> now = domain.p2m.look_up(gfn);
    TRY(now);
    if (domain.machine.frames.row(now->frame).owner != domain.id)
        return Error{XEN_EINVAL};
    if (now->order < order) {
        // A larger wish than the mapping: piece by piece
        for (u64 i = 0; i < 1ull << order; i += 1ull << now->order)
            TRY(take_ram(domain, gfn + i, now->order, quarantine));
        return {};
    }
    TRY(domain.p2m.remove(gfn, now->frame, order, quarantine));
    quarantine.put(now->frame, order, 2);
    return {};
}

void orphan(Domain& domain, Mfn frame) {
    {
        Guard guard{domain.lock};
        domain.machine.frames.row(frame).next = static_cast<u32>(domain.orphans.value);
        domain.orphans = frame;
    }
    // Too late for whoever took the domain apart
    while (domain.taken_apart.load() && release_orphan(domain))
        ;
}

Result<> unplace_frame(Domain& domain, Gfn gfn, Quarantine& quarantine) {
    const Result<GuestFrame> now = domain.p2m.look_up(gfn);
    TRY(now);
    TRY(domain.p2m.remove(gfn, now->frame, 0, quarantine));
    quarantine.put(now->frame, 0, 1);
    if (domain.machine.frames.row(now->frame).owner == domain.id)
        orphan(domain, now->frame);
    return {};
}

bool release_orphan(Domain& domain) {
    Mfn frame;
    {
        Guard guard{domain.lock};
        frame = domain.orphans;
        if (frame.value == 0)
            return false;
        domain.orphans = Mfn{domain.machine.frames.row(frame).next};
    }
    end_use(domain.machine, frame);
    return true;
}

Result<> place_frame(Domain& domain, Gfn gfn, Mfn frame, x86::Access access,
                     Quarantine& quarantine) {
    Machine& machine = domain.machine;
    if (const auto now = domain.p2m.look_up(gfn); now.ok()) {
        // Its own RAM goes back to the machine; anything else only leaves this place
        TRY(domain.p2m.remove(gfn, now->frame, 0, quarantine));
        quarantine.put(now->frame, 0, uses_of(domain, now->frame));
    }
    // The use begins first: another pCPU may end it as soon as the frame is mapped
    add_use(machine, frame);
    const Result<> added = domain.p2m.add(gfn, frame, 0, access);
    if (!added.ok())
        end_use(machine, frame);
    return added;
}

Result<Mfn> take_shared_frame(Machine& machine) {
    const Result<Mfn> frame = machine.frames.take(owner_hypervisor);
    TRY(frame);
    machine.frames.row(*frame).uses = 1;
    return frame;
}

Result<u8*> see_frame(Domain& domain, Gfn gfn, bool write) {
    const Result<GuestFrame> now = domain.p2m.look_up(gfn);
    TRY(now);
    if (write && !now->access.write)
        return Error{XEN_EACCES};
    return domain.machine.memory.at(now->frame);
}

}  // namespace hv
