// memory_op, the map: frames placed at a guest's frame numbers, taken away, moved, lent.
#include <domains/memory.hpp>
#include <domains/memory_op.hpp>

namespace hv {
namespace {

/// xen_add_to_physmap.
template <class Long>
struct Addition {
    DomainId domain;
    u16 size;
    u32 space;
    Long index, gfn;

    auto fields() { return std::tie(domain, size, space, index, gfn); }
};
static_assert(sizeof(Addition<u64>) == sizeof(xen_add_to_physmap_t));

/// xen_add_to_physmap_batch; its three lists as addresses.
template <class Long>
struct Batch {
    DomainId domain;
    u16 space, size;
    DomainId foreign;
    Long indexes, gfns, errors;

    auto fields() { return std::tie(domain, space, size, foreign, indexes, gfns, errors); }
};
static_assert(sizeof(Batch<u64>) == sizeof(xen_add_to_physmap_batch_t));

/// xen_remove_from_physmap.
template <class Long>
struct Removal {
    DomainId domain;
    Long gfn;

    auto fields() { return std::tie(domain, gfn); }
};
static_assert(sizeof(Removal<u64>) == sizeof(xen_remove_from_physmap_t));

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
    const Result<Mfn> frame = target.p2m.remove(from, 0, target.id);
    if (!frame.ok())
        return frame.error().code == XEN_ENOENT ? Error{XEN_EINVAL} : frame.error();
    // The use of the old place ends, the new place begins its own
    quarantine.put(*frame, 0, 1);
    const Result<> moved = place_frame(target, to, *frame, x86::full_access, quarantine);
    if (!moved.ok())
        orphan(target, *frame);
    return moved;
}

/// Shows a page of the trace's rings to the target, which may only read it.
Result<> place_trace(const Placement& wish) {
    Machine& machine = wish.target.machine;
    const u64 first = frame_of(machine.trace_rings).value;
    if (wish.index - first >= machine.cpu_count * machine.trace_bytes >> page_shift)
        return Error{XEN_EINVAL};
    Quarantine quarantine{wish.target};
    return place_frame(wish.target, wish.gfn, Mfn{wish.index}, x86::read_only, quarantine);
}

/// Shows a page of another domain's RAM to the target. Only the privileged may.
Result<> place_foreign(Call& call, const Placement& wish) {
    if (!call.domain.privileged)
        return Error{XEN_EPERM};
    if (wish.foreign == DOMID_SELF)
        return Error{XEN_EINVAL};
    if (wish.foreign == DOMID_XEN)
        return place_trace(wish);
    const DomainRef owner = find_domain(call.domain.machine, wish.foreign);
    if (!owner)
        return Error{XEN_ESRCH};
    if (owner->id == wish.target.id || owner->life.load() >= Life::dying)
        return Error{XEN_EINVAL};

    const GuestFrame page = TRY(owner->p2m.hold(Gfn{wish.index}));
    Machine& machine = call.domain.machine;
    Result<> placed = Error{XEN_EINVAL};
    const DomainId whose = machine.frames.row(page.frame).owner;
    if (whose == owner->id || whose == owner_hypervisor) {  // its RAM, or what we share with it
        Quarantine quarantine{wish.target};
        const x86::Access access = page.access.write ? x86::read_write : x86::read_only;
        placed = place_frame(wish.target, wish.gfn, page.frame, access, quarantine);
    }
    end_use(machine, page.frame);
    return placed;
}

/// Places a page of the hypervisor's own that some chapter answers for.
Result<> place_special(Call& call, const Placement& wish) {
    const Household& house = household(call.domain.machine);
    if (wish.space >= house.physmap_spaces.size() ||
        house.physmap_spaces[wish.space].frame == nullptr)
        return Error{wish.space == XENMAPSPACE_dev_mmio ? XEN_EACCES : XEN_EINVAL};
    const Mfn frame = TRY(house.physmap_spaces[wish.space].frame(wish.target, wish.index));
    Quarantine quarantine{wish.target};
    const auto placed = place_frame(wish.target, wish.gfn, frame, x86::read_write, quarantine);
    end_use(call.domain.machine, frame);
    return placed;
}

Result<> place_one(Call& call, const Placement& wish) {
    if (wish.gfn.value >= guest_frames || wish.target.life.load() >= Life::dying)
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

/// Lets `place` deal with each of `count` items, from where the call goes on.
template <class Place>
Answer place_each(const MemoryCall& memory, u64 count, Place place) {
    if (count < memory.start)
        return Error{XEN_EILSEQ};
    for (u64 done = memory.start; done < count; ++done) {
        if (done != memory.start && memory.call.should_stop())
            return memory.go_on_at(done);
        TRY(place(done));
    }
    return 0;
}

/// One entry of a batch: its own error goes into the caller's list.
Result<> place_entry(Call& call, Domain& target, const Batch<u64>& batch, u64 entry) {
    const u64 index = TRY(call.read_long(batch.indexes, entry));
    const u64 gfn = TRY(call.read_long(batch.gfns, entry));
    const Answer placed =
        place_one(call, {target, batch.space, batch.foreign, index, Gfn{gfn}});
    const int error = static_cast<int>(placed.value);
    return call.write(batch.errors + entry * sizeof error, error);
}

}  // namespace

Answer add_to_physmap(MemoryCall memory) {
    const auto wish = TRY(read_layout<Addition>(memory.call, memory.address));
    if (wish.space == XENMAPSPACE_gmfn_foreign)
        return Error{XEN_ENOSYS};
    const DomainRef target = TRY(target_of(memory.call, wish.domain));
    const auto place = [&](u64 i) {
        return place_one(memory.call,
                         {*target, wish.space, 0, wish.index + i, Gfn{wish.gfn + i}});
    };
    if (wish.space == XENMAPSPACE_gmfn_range)
        return place_each(memory, wish.size, place);
    return place(0);
}

Answer add_to_physmap_batch(MemoryCall memory) {
    const auto batch = TRY(read_layout<Batch>(memory.call, memory.address));
    if (batch.space == XENMAPSPACE_gmfn_range)
        return Error{XEN_EOPNOTSUPP};
    const DomainRef target = TRY(target_of(memory.call, batch.domain));
    return place_each(memory, batch.size,
                      [&](u64 i) { return place_entry(memory.call, *target, batch, i); });
}

Answer remove_from_physmap(MemoryCall memory) {
    const auto wish = TRY(read_layout<Removal>(memory.call, memory.address));
    const DomainRef target = TRY(target_of(memory.call, wish.domain));
    if (wish.gfn >= guest_frames)
        return Error{XEN_ENOENT};
    Quarantine quarantine{*target};
    return unplace_frame(*target, Gfn{wish.gfn}, quarantine);
}

}  // namespace hv
