// memory_op, what a domain has beside its RAM: pages that its toolstack puts into its own map.
#include <domains/memory.hpp>
#include <domains/memory_op.hpp>

namespace hv {
namespace {

/// xen_mem_acquire_resource.
template <class Long>
struct Acquisition {
    DomainId domain;
    u16 kind;
    u32 id, count, pad;
    u64 frame;
    Long list;  ///< where in the caller's map the frames go; 0: how many are there?

    auto fields() { return std::tie(domain, kind, id, count, pad, frame, list); }
};
static_assert(sizeof(Acquisition<u64>) == sizeof(xen_mem_acquire_resource_t));

/// The chapter's answer for a kind; nullptr: nobody has such pages.
const Resource* find_resource(const Household& house, u16 kind) {
    for (size_t i = 0; i < house.plug_count; ++i)
        for (const Resource& resource : house.plugs[i]->resources)
            if (resource.kind == kind)
                return &resource;
    return nullptr;
}

/// Puts frame number `index` of what is wished into the caller's map, where its list says.
Result<> place_resource(Call& call, Domain& owner, const Resource& resource,
                        const Acquisition<u64>& wish, u64 index) {
    const Gfn gfn{TRY(call.read_long(wish.list, index))};
    if (!fits(gfn.value, 1, 1ull << 36))
        return Error{XEN_EINVAL};
    const Mfn frame = TRY(resource.frame(owner, wish.id, wish.frame + index));
    Quarantine quarantine{call.domain};
    const auto placed = place_frame(call.domain, gfn, frame, x86::read_write, quarantine);
    end_use(call.domain.machine, frame);
    return placed;
}

}  // namespace

Answer acquire_resource(MemoryCall memory) {
    Call& call = memory.call;
    if (!call.domain.privileged)
        return Error{XEN_EOPNOTSUPP};
    const auto wish = TRY(read_layout<Acquisition>(call, memory.address));
    if (wish.pad != 0)
        return Error{XEN_EINVAL};
    const DomainRef owner = find_domain(call.domain.machine, wish.domain);
    if (!owner)
        return Error{XEN_ESRCH};
    if (owner->id == call.domain.id)
        return Error{XEN_EPERM};
    const Resource* const resource = find_resource(household(call.domain.machine), wish.kind);
    const u32 most = resource != nullptr ? resource->most(*owner, wish.id) : 0;
    const bool asks = wish.list == 0;
    if (most == 0 || (asks ? wish.count != 0 : !fits(wish.frame, wish.count, most)))
        return Error{XEN_EINVAL};
    if (asks)
        return call.write(memory.address + offsetof(xen_mem_acquire_resource_t, nr_frames), most);
    for (u64 done = memory.start; done < wish.count; ++done) {
        if (done != memory.start && call.should_stop())
            return memory.go_on_at(done);
        TRY(place_resource(call, *owner, *resource, wish, done));
    }
    return 0;
}

}  // namespace hv
