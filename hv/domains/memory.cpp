// A domain's RAM: how frames are given, lent, and let go once no pCPU can reach them.
#include <domains/household.hpp>
#include <domains/memory.hpp>
#include <x86/privileged.hpp>

namespace hv {

u64 shoot_down(Domain& domain) {
    const u64 ended = domain.p2m.raise_generation();
    Machine& machine = domain.machine;
    for (u16 number = 0; number < machine.cpu_count; ++number) {
        Whereabouts& there = whereabouts(*machine.cpus[number]);
        const auto still_old = [&] {
            const u64 with = there.inside.load(std::memory_order_seq_cst);
            return with <= ended && with >> 32 == ended >> 32;
        };
        if (!still_old())
            continue;
        kick(*machine.cpus[number], ask_shootdown);
        while (still_old())
            x86::pause();
    }
    return ended;
}

void Quarantine::put(Mfn frame, u8 order, u8 uses) {
    held_[count_++] = {static_cast<u32>(frame.value), order, uses};
    changed_ = true;
    if (count_ == capacity)
        settle();
}

void Quarantine::put_table(Mfn table) {
    domain_.machine.frames.row(table).next = static_cast<u32>(tables_.value);
    tables_ = table;
    changed_ = true;
}

/// Lets this pCPU keep the walks that it remembers of the generation that `ended`, but for those
/// that came by a frame that went.
void Quarantine::keep_walks(u64 ended) const {
    const auto& machine = domain_.machine;
    auto& walks = whereabouts(this_cpu()).seen;
    for (const Held& held : std::span{held_, count_})
        if (held.order > 0 || machine.frames.row(Mfn{held.frame}).state == FrameState::walked)
            for (SeenWalk& walk : walks)
                if (walk.touches(machine.memory.at(Mfn{held.frame}), page_size << held.order))
                    walk.generation = 0;
#pragma GCC unroll 8  // a compare for each, and no loop
    for (SeenWalk& walk : walks)
        if (walk.generation == ended) [[unlikely]]  // most are other domains'
            ++walk.generation;
}

void Quarantine::settle() {
    if (!changed_)
        return;
    keep_walks(shoot_down(domain_));
    Machine& machine = domain_.machine;
    while (tables_.value != 0) {
        const Mfn table = tables_;
        tables_ = Mfn{machine.frames.row(table).next};
        machine.frames.give_back(table);
    }
    for (const Held& held : std::span{held_, count_})
        end_uses(machine, Mfn{held.frame}, held.order, held.uses);
    count_ = 0;
    changed_ = false;
}

void add_use(Machine& machine, Mfn frame) {
    __atomic_fetch_add(&machine.frames.row(frame).uses, 1, __ATOMIC_RELAXED);
}

namespace {

/// `count` frames of the owner's are free again: if it is dying, it may be able to leave.
void count_out(Machine& machine, DomainId owner, u64 count) {
    if (count == 0 || owner == owner_hypervisor)
        return;
    if (const DomainRef domain = find_domain(machine, owner)) {
        domain->frames_owned.fetch_sub(count);
        bury_if_free(*domain);
    }
}

}  // namespace

void end_use(Machine& machine, Mfn frame) {
    FrameRow& row = machine.frames.row(frame);
    const DomainId owner = row.owner;
    if (__atomic_sub_fetch(&row.uses, 1, __ATOMIC_ACQ_REL) != 0) [[likely]]
        return;
    machine.frames.give_back(frame);
    count_out(machine, owner, 1);
}

void end_uses(Machine& machine, Mfn block, u8 order, u8 uses) {
    // Of a block, too, each frame goes when its own last use ends, and whoever ends that frees it
    const DomainId owner = machine.frames.row(block).owner;
    u64 freed = 0;
    for (u64 i = 0; i < 1ull << order; ++i)
        if (__atomic_sub_fetch(&machine.frames.row(block + i).uses, uses, __ATOMIC_ACQ_REL) == 0) {
            machine.frames.give_back(block + i);
            ++freed;
        }
    count_out(machine, owner, freed);
}

namespace {

Result<> map_new_ram(Domain& domain, Gfn gfn, u8 order) {
    Machine& machine = domain.machine;
    const Mfn block = TRY(machine.frames.take(domain.id, order));
    for (u64 i = 0; i < 1ull << order; ++i)
        machine.frames.row(block + i).uses = 2;  // owned, and mapped
    Quarantine quarantine{domain};
    const Result<> added = domain.p2m.add(gfn, block, order, x86::full_access,
                                          x86::MemoryType::write_back, &quarantine);
    if (!added.ok())
        machine.frames.give_back(block, order);
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
        count_out(domain.machine, domain.id, count);
    return given;
}

u8 uses_of(const Domain& domain, Mfn frame) {
    return domain.machine.frames.row(frame).owner == domain.id ? 2 : 1;
}

Result<> take_ram(Domain& domain, Gfn gfn, u8 order, Quarantine& quarantine) {
    const Result<Mfn> frame = domain.p2m.remove(gfn, order, domain.id);
    if (frame.ok()) {
        quarantine.put(*frame, order, 2);
        return {};
    }
    if (order == 0 || frame.error().code != XEN_ENOENT)
        return frame.error();
    // A larger wish than any page there: piece by piece
    const u8 piece = order - x86::bits_per_level;
    for (u64 i = 0; i < 1ull << order; i += 1ull << piece)
        TRY(take_ram(domain, gfn + i, piece, quarantine));
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
    const Mfn frame = TRY(domain.p2m.remove(gfn, 0));
    quarantine.put(frame, 0, 1);
    if (domain.machine.frames.row(frame).owner == domain.id)
        orphan(domain, frame);
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
    // Of what was there, its own RAM goes back to the machine; anything else only leaves this place
    const Result<Mfn> before = domain.p2m.remove(gfn, 0);
    if (before.ok())
        quarantine.put(*before, 0, uses_of(domain, *before));
    else if (before.error().code != XEN_ENOENT)
        return before.error();
    // The use begins first: another pCPU may end it as soon as the frame is mapped
    add_use(machine, frame);
    const Result<> added = domain.p2m.add(gfn, frame, 0, access);
    if (!added.ok())
        end_use(machine, frame);
    return added;
}

Result<Mfn> take_shared_frame(Machine& machine) {
    const Mfn frame = TRY(machine.frames.take(owner_hypervisor));
    machine.frames.row(frame).uses = 1;
    return frame;
}

}  // namespace hv
