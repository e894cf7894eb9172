// memory_op: RAM asked for and given back, extent by extent; who has how much; what a guest is told
// of it. Public header xen/memory.h.
#include <algorithm>
#include <domains/memory.hpp>
#include <domains/memory_op.hpp>

namespace hv {
namespace {

/// xen_memory_reservation.
template <class Long>
struct Reservation {
    Long extents;  ///< address of the list
    Long count;
    u32 order, flags;
    DomainId domain;

    auto fields() { return std::tie(extents, count, order, domain); }
};
static_assert(sizeof(Reservation<u64>) == sizeof(xen_memory_reservation_t));

constexpr u64 most_extents = UINT32_MAX >> extent_shift;

/// The largest extent that a caller may ask for: 2 MiB, and 1 GiB for the toolstack, as on Xen.
u32 most_order(const Call& call) { return call.domain.privileged ? 18 : 9; }

/// The order of the largest pages that page tables know and that an extent's place allows.
u8 page_order(Gfn gfn, u8 order) {
    for (const u8 large : {18, 9})
        if (large <= order && gfn.value % (1ull << large) == 0)
            return large;
    return 0;
}

/// True for a guest frame that the tables can name at all.
bool nameable(Gfn gfn, u8 order) { return fits(gfn.value, 1ull << order, 1ull << 36); }

/// Fills one extent with RAM, or takes it back.
Result<> change_extent(Domain& domain, Gfn gfn, u8 order, bool populating) {
    const u8 piece = page_order(gfn, order);
    const Gfn end = gfn + (1ull << order);
    if (populating) {
        for (; gfn < end; gfn = gfn + (1ull << piece))
            TRY(give_ram(domain, gfn, piece));
        return {};
    }
    // The quarantine settles before the caller's check: nobody waits longer than one extent for it
    Quarantine quarantine{domain};
    for (; gfn < end; gfn = gfn + (1ull << piece))
        TRY(take_ram(domain, gfn, piece, quarantine));
    return {};
}

/// Works through the extents from `start` on: what was done, or that it goes on later.
Answer run_extents(MemoryCall& memory, Domain& domain, const Reservation<u64>& wish) {
    Call& call = memory.call;
    const u8 order = static_cast<u8>(wish.order);
    const bool populating = memory.operation == XENMEM_populate_physmap;
    for (u64 done = memory.start; done < wish.count; ++done) {
        if (done != memory.start && call.should_stop())
            return memory.go_on_at(done);
        const Result<u64> extent = call.read_long(wish.extents, done);
        if (!extent.ok() || !nameable(Gfn{*extent}, order) ||
            !change_extent(domain, Gfn{*extent}, order, populating).ok())
            return static_cast<s64>(done);
    }
    return static_cast<s64>(wish.count);
}

/// Populate, decrease and increase: the number of extents done, whatever went wrong with the rest.
Answer change_reservation(MemoryCall memory) {
    // Every refusal is the same answer: no extent more than before was done
    const s64 nothing_more = memory.start;
    const auto wish = read_layout<Reservation>(memory.call, memory.address);
    if (!wish.ok() || wish->count > most_extents || memory.start >= wish->count ||
        wish->order > most_order(memory.call))
        return nothing_more;
    const Result<DomainRef> target = target_of(memory.call, wish->domain);
    if (!target.ok() || (*target)->life.load() >= Life::dying)
        return nothing_more;
    // RAM without a place in the map is of no use to a PVH guest: none is given
    if (memory.operation == XENMEM_increase_reservation)
        return nothing_more;
    return run_extents(memory, **target, *wish);
}

/// XENMEM_current_reservation, maximum_reservation, maximum_gpfn.
Answer ask_reservation(MemoryCall memory) {
    domid_t id = 0;
    TRY(memory.call.read(id, memory.address));
    const DomainRef target = TRY(target_of(memory.call, id));
    switch (memory.operation) {
    case XENMEM_current_reservation:
        return static_cast<s64>(target->frames_owned.load());
    case XENMEM_maximum_reservation:
        return static_cast<s64>(target->frames_limit);
    default:
        return static_cast<s64>(target->p2m.highest().value);
    }
}

Answer claim_pages(MemoryCall memory) {
    if (!memory.call.domain.privileged)
        return Error{XEN_EPERM};
    const auto wish = TRY(read_layout<Reservation>(memory.call, memory.address));
    if (wish.extents != 0 || wish.order != 0)
        return Error{XEN_EINVAL};
    (void)TRY(target_of(memory.call, wish.domain));
    // Nothing is set aside: there is one toolstack, and it builds one domain at a time
    return wish.count > memory.call.domain.machine.frames.free_count() ? refuse(XEN_ENOMEM) : 0;
}

/// One line of an e820 map, as BIOS call 15h, function E820h, lays it out: 20 bytes.
struct [[gnu::packed]] MapLine {
    u64 start, bytes;
    u32 kind;
};
static_assert(sizeof(MapLine) == 20);

constexpr u32 most_lines = page_size / sizeof(MapLine);

/// xen_memory_map: how many lines the caller has room for, and where.
template <class Long>
struct MapWish {
    u32 lines;
    Long buffer;

    auto fields() { return std::tie(lines, buffer); }
};

Answer give_memory_map(MemoryCall memory) {
    Call& call = memory.call;
    const auto wish = TRY(read_layout<MapWish>(call, memory.address));
    if (call.domain.memory_map_entries == 0)
        return Error{XEN_ENOSYS};
    const u32 lines = std::min(wish.lines, call.domain.memory_map_entries);
    const u8* map = call.domain.machine.memory.at(call.domain.memory_map_frame);
    TRY(call.write(wish.buffer, map, lines * sizeof(MapLine)));
    return call.write(memory.address, lines);
}

Answer set_memory_map(MemoryCall memory) {
    // xen_foreign_memory_map: the domain, then the map at the next place that is aligned for it
    Call& call = memory.call;
    domid_t id = 0;
    TRY(call.read(id, memory.address));
    const auto wish = TRY(read_layout<MapWish>(call, memory.address + (call.wide ? 8 : 4)));
    if (wish.lines > most_lines)
        return Error{XEN_EINVAL};
    const DomainRef target = TRY(target_of(call, id));
    MapLine map[most_lines];
    TRY(call.read(map, wish.buffer, wish.lines * sizeof(MapLine)));

    Machine& machine = call.domain.machine;
    Guard guard{target->lock};
    if (target->life.load() >= Life::dying)
        return Error{XEN_EINVAL};
    if (target->memory_map_frame.value == 0)
        target->memory_map_frame = TRY(machine.frames.take(owner_hypervisor));
    std::copy_n(map, wish.lines, machine.memory.as<MapLine>(address_of(target->memory_map_frame)));
    target->memory_map_entries = wish.lines;
    return 0;
}

}  // namespace

Answer memory_op(Call& call) {
    const u64 first = call.argument(0);
    constexpr u32 operation_mask = (1u << extent_shift) - 1;
    const MemoryCall memory{call, static_cast<u32>(first) & operation_mask, call.argument(1),
                            static_cast<u32>(first) >> extent_shift};
    switch (memory.operation) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return change_reservation(memory);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return ask_reservation(memory);
    case XENMEM_maximum_ram_page:
        return static_cast<s64>(call.domain.machine.frames.frame_count() - 1);
    case XENMEM_add_to_physmap:
        return add_to_physmap(memory);
    case XENMEM_add_to_physmap_batch:
        return add_to_physmap_batch(memory);
    case XENMEM_remove_from_physmap:
        return remove_from_physmap(memory);
    case XENMEM_memory_map:
        return give_memory_map(memory);
    case XENMEM_set_memory_map:
        return set_memory_map(memory);
    case XENMEM_claim_pages:
        return claim_pages(memory);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0;
    case XENMEM_acquire_resource:
        return acquire_resource(memory);
    case XENMEM_exchange:
    case XENMEM_get_vnumainfo:
        return Error{XEN_EOPNOTSUPP};
    default:
        return Error{XEN_ENOSYS};
    }
}

}  // namespace hv
