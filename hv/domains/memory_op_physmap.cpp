// memory_op, the map: frames placed at a guest's frame numbers, taken away, moved, lent.
#include <domains/memory.hpp>
#include <domains/memory_op.hpp>

namespace hv {
namespace {

struct AddToPhysmap32 {
    u16 domain, size;
    u32 space, index, gfn;
};

struct Batch32 {
    u16 domain, space, size, extra;
    u32 indexes, gfns, errors;
};

/// One page to place: what is named by `space` and `index` goes to `gfn` of `target`.
struct Placement {
    Domain& target;
    u32 space;
    DomainId foreign;  ///< XENMAPSPACE_gmfn_foreign: whose page it is
    u64 index;
    Gfn gfn;
};

constexpr u64 guest_frames = 1ull << 36;

/// Moves the target's own RAM from one number to another; what stood there goes back.
Result<> move_own(Domain& target, Gfn from, Gfn to) {
    Quarantine quarantine{target};
    const Result<GuestFrame> found = target.p2m.hold(from);
    if (!found.ok())
        return Error{XEN_EINVAL};
    Machine& machine = target.machine;
    Result<> moved = Error{XEN_EINVAL};
    if (machine.frames.row(found->frame).owner == target.id)
        moved = target.p2m.remove(from, found->frame, 0, quarantine);
    if (!moved.ok()) {
        end_use(machine, found->frame);
        return moved;
    }
    // The use of the old place ends, the new place begins its own
    quarantine.put(found->frame, 0, 1);
    moved = place_frame(target, to, found->frame, x86::full_access, quarantine);
    if (!moved.ok())
        orphan(target, found->frame);
    end_use(machine, found->frame);
    return moved;
}

/// Shows a page of another domain's RAM to the target. Only the privileged may.
Result<> place_foreign(Call& call, const Placement& wish) {
    if (!call.domain.privileged)
        return Error{XEN_EPERM};
    if (wish.foreign == DOMID_SELF)
        return Error{XEN_EINVAL};
    const DomainRef owner = find_domain(call.domain.machine, wish.foreign);
    if (!owner)
        return Error{XEN_ESRCH};
    if (owner->id == wish.target.id)
        return Error{XEN_EINVAL};
    if (owner->life.load() >= Life::dying)
        return Error{XEN_EINVAL};

    const Result<GuestFrame> page = owner->p2m.hold(Gfn{wish.index});
    TRY(page);
    Machine& machine = call.domain.machine;
    Result<> placed = Error{XEN_EINVAL};
    const DomainId whose = machine.frames.row(page->frame).owner;
    if (whose == owner->id || whose == owner_hypervisor) {  // its RAM, or what we share with it
        Quarantine quarantine{wish.target};
        const x86::Access access = page->access.write ? x86::read_write : x86::read_only;
        placed = place_frame(wish.target, wish.gfn, page->frame, access, quarantine);
    }
    end_use(machine, page->frame);
    return placed;
}

/// Places a page of the hypervisor's own that some chapter answers for.
Result<> place_special(Call& call, const Placement& wish) {
    const Household& house = household(call.domain.machine);
    if (wish.space >= house.physmap_spaces.size() ||
        house.physmap_spaces[wish.space].frame == nullptr)
        return Error{wish.space == XENMAPSPACE_dev_mmio ? XEN_EACCES : XEN_EINVAL};
    const Result<Mfn> frame = house.physmap_spaces[wish.space].frame(wish.target, wish.index);
    TRY(frame);
    Quarantine quarantine{wish.target};
    const auto placed = place_frame(wish.target, wish.gfn, *frame, x86::read_write, quarantine);
    end_use(call.domain.machine, *frame);
    return placed;
}

Result<> place_one(Call& call, const Placement& wish) {
    if (wish.gfn.value >= guest_frames)
        return Error{XEN_EINVAL};
    if (wish.target.life.load() >= Life::dying)
        return Error{XEN_EINVAL};
    switch (wish.space) {
    case XENMAPSPACE_gmfn:
    case XENMAPSPACE_gmfn_range:
        return move_own(wish.target, Gfn{wish.index}, wish.gfn);
    case XENMAPSPACE_gmfn_foreign:
        return place_foreign(call, wish);
    default:
        return place_special(call, wish);
    }
}

Result<xen_add_to_physmap_t> read_add(Call& call, u64 address) {
    xen_add_to_physmap_t wish{};
    if (call.wide) {
        TRY(call.read(wish, address));
        return wish;
    }
    AddToPhysmap32 raw;
    TRY(call.read(raw, address));
    wish.domid = raw.domain;
    wish.size = raw.size;
    wish.space = raw.space;
    wish.idx = raw.index;
    wish.gpfn = raw.gfn;
    return wish;
}

/// A batch, its three lists as addresses.
struct Batch {
    DomainId domain = 0, foreign = 0;
    u16 space = 0, size = 0;
    u64 indexes = 0, gfns = 0, errors = 0;
};

Result<Batch> read_batch(Call& call, u64 address) {
    if (call.wide) {
        xen_add_to_physmap_batch_t raw;
        TRY(call.read(raw, address));
        return Batch{raw.domid,          raw.u.foreign_domid,    raw.space,
                     raw.size,           address_in(raw.idxs),   address_in(raw.gpfns),
                     address_in(raw.errs)};
    }
    Batch32 raw;
    TRY(call.read(raw, address));
    return Batch{raw.domain, raw.extra, raw.space, raw.size, raw.indexes, raw.gfns, raw.errors};
}

s64 place_range(MemoryCall& memory, Domain& target, const xen_add_to_physmap_t& wish) {
    if (wish.size < memory.start)
        return refuse(XEN_EILSEQ);
    for (u64 done = memory.start; done < wish.size; ++done) {
        if (done != memory.start && memory.call.should_stop())
            return memory.go_on_at(done);
        const auto placed = place_one(memory.call, {target, wish.space, 0, wish.idx + done,
                                                    Gfn{wish.gpfn + done}});
        if (!placed.ok())
            return failure(placed.error());
    }
    return 0;
}

/// One entry of a batch: its own error goes into the caller's list.
Result<> place_entry(Call& call, Domain& target, const Batch& batch, u64 entry) {
    const Result<u64> index = call.read_long(batch.indexes, entry);
    TRY(index);
    const Result<u64> gfn = call.read_long(batch.gfns, entry);
    TRY(gfn);
    const int error = static_cast<int>(
        answer(place_one(call, {target, batch.space, batch.foreign, *index, Gfn{*gfn}})));
    return call.write(batch.errors + entry * sizeof error, error);
}

}  // namespace

s64 add_to_physmap(MemoryCall memory) {
    const auto wish = read_add(memory.call, memory.address);
    if (!wish.ok())
        return failure(wish.error());
    if (wish->space == XENMAPSPACE_gmfn_foreign)
        return refuse(XEN_ENOSYS);
    const DomainRef target = named_domain(memory.call, wish->domid);
    if (!target)
        return refuse(XEN_ESRCH);
    if (!may_act_on(memory.call, *target))
        return refuse(XEN_EPERM);
    if (wish->space == XENMAPSPACE_gmfn_range)
        return place_range(memory, *target, *wish);
    return answer(place_one(memory.call, {*target, wish->space, 0, wish->idx, Gfn{wish->gpfn}}));
}

s64 add_to_physmap_batch(MemoryCall memory) {
    const auto batch = read_batch(memory.call, memory.address);
    if (!batch.ok())
        return failure(batch.error());
    if (batch->space == XENMAPSPACE_gmfn_range)
        return refuse(XEN_EOPNOTSUPP);
    const DomainRef target = named_domain(memory.call, batch->domain);
    if (!target)
        return refuse(XEN_ESRCH);
    if (!may_act_on(memory.call, *target))
        return refuse(XEN_EPERM);
    if (batch->size < memory.start)
        return refuse(XEN_EILSEQ);
    for (u64 done = memory.start; done < batch->size; ++done) {
        if (done != memory.start && memory.call.should_stop())
            return memory.go_on_at(done);
        if (const auto placed = place_entry(memory.call, *target, *batch, done); !placed.ok())
            return failure(placed.error());
    }
    return 0;
}

s64 remove_from_physmap(MemoryCall memory) {
    DomainId id = 0;
    u64 gfn = 0;
    if (memory.call.wide) {
        xen_remove_from_physmap_t raw;
        if (const auto read = memory.call.read(raw, memory.address); !read.ok())
            return failure(read.error());
        id = raw.domid;
        gfn = raw.gpfn;
    } else {
        u32 raw[2];
        if (const auto read = memory.call.read(raw, memory.address); !read.ok())
            return failure(read.error());
        id = static_cast<DomainId>(raw[0]);
        gfn = raw[1];
    }
    const DomainRef target = named_domain(memory.call, id);
    if (!target)
        return refuse(XEN_ESRCH);
    if (!may_act_on(memory.call, *target))
        return refuse(XEN_EPERM);
    if (gfn >= guest_frames)
        return refuse(XEN_ENOENT);
    Quarantine quarantine{*target};
    return answer(unplace_frame(*target, Gfn{gfn}, quarantine));
}

}  // namespace hv
