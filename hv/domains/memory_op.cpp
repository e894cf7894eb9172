// memory_op: RAM asked for and given back, extent by extent, and who has how much.
#include <domains/memory.hpp>
#include <domains/memory_op.hpp>

namespace hv {
namespace {

/// xen_memory_reservation as a 32-bit caller lays it out.
struct Reservation32 {
    u32 extents, count, order, flags;
    u16 domain, padding;
};

struct Reservation {
    u64 extents = 0;  ///< address of the list
    u64 count = 0;
    u32 order = 0;
    DomainId domain = 0;
};

Result<Reservation> read_reservation(Call& call, u64 address) {
    if (call.wide) {
        xen_memory_reservation_t raw;
        TRY(call.read(raw, address));
        return Reservation{address_in(raw.extent_start), raw.nr_extents, raw.extent_order,
                           raw.domid};
    }
    Reservation32 raw;
    TRY(call.read(raw, address));
    return Reservation{raw.extents, raw.count, raw.order, raw.domain};
}

/// The largest extent that a caller may ask for: 2 MiB, and 1 GiB for the toolstack, as on Xen.
u32 most_order(const Call& call) { return call.domain.privileged ? 18 : 9; }

/// The order of the largest pages that page tables know and that an extent's place allows.
u8 page_order(Gfn gfn, u8 order) {
    constexpr u8 bits_per_level = 9;
    u8 largest = order - order % bits_per_level;
    while (gfn.value % (1ull << largest) != 0)
        largest -= bits_per_level;
    return largest;
}

/// Fills one extent.
Result<> populate(Domain& domain, Gfn gfn, u8 order) {
    const u8 piece = page_order(gfn, order);
    for (u64 i = 0; i < 1ull << order; i += 1ull << piece)
        TRY(give_ram(domain, gfn + i, piece));
    return {};
}

/// Takes one extent back.
Result<> decrease(Domain& domain, Gfn gfn, u8 order, Quarantine& quarantine) {
    const u8 piece = page_order(gfn, order);
    for (u64 i = 0; i < 1ull << order; i += 1ull << piece)
        TRY(take_ram(domain, gfn + i, piece, quarantine));
    return {};
}

/// True for a guest frame that the tables can name at all.
bool nameable(Gfn gfn, u8 order) { return fits(gfn.value, 1ull << order, 1ull << 36); }

/// Works through the extents from `start` on: what was done, or that it goes on later.
s64 run_extents(MemoryCall& memory, Domain& domain, const Reservation& wish) {
    Call& call = memory.call;
    const u8 order = static_cast<u8>(wish.order);
    const bool populating = memory.operation == XENMEM_populate_physmap;
    for (u64 done = memory.start; done < wish.count; ++done) {
        if (done != memory.start && call.should_stop())
            return memory.go_on_at(done);
        const Result<u64> extent = call.read_long(wish.extents, done);
        if (!extent.ok() || !nameable(Gfn{*extent}, order))
            return static_cast<s64>(done);

        // The quarantine settles here, before the check: nobody waits for it longer than one extent
        Quarantine quarantine{domain};
        const Result<> result = populating ? populate(domain, Gfn{*extent}, order)
                                           : decrease(domain, Gfn{*extent}, order, quarantine);
        if (!result.ok())
            return static_cast<s64>(done);
    }
    return static_cast<s64>(wish.count);
}

}  // namespace

s64 change_reservation(MemoryCall memory) {
    // Every refusal is the same answer: no extent more than before was done
    const s64 nothing_more = memory.start;
    const Result<Reservation> wish = read_reservation(memory.call, memory.address);
    if (!wish.ok() || wish->count > most_extents || memory.start >= wish->count ||
        wish->order > most_order(memory.call))
        return nothing_more;
    const DomainRef target = named_domain(memory.call, wish->domain);
    if (!target || !may_act_on(memory.call, *target) || target->life.load() >= Life::dying)
        return nothing_more;
    // RAM without a place in the map is of no use to a PVH guest: none is given
    if (memory.operation == XENMEM_increase_reservation)
        return nothing_more;
    return run_extents(memory, *target, *wish);
}

s64 ask_reservation(MemoryCall memory) {
    domid_t id = 0;
    if (const auto read = memory.call.read(id, memory.address); !read.ok())
        return failure(read.error());
    const DomainRef target = named_domain(memory.call, id);
    if (!target)
        return refuse(XEN_ESRCH);
    if (!may_act_on(memory.call, *target))
        return refuse(XEN_EPERM);
    switch (memory.operation) {
    case XENMEM_current_reservation:
        return static_cast<s64>(target->frames_owned.load());
    case XENMEM_maximum_reservation:
        return static_cast<s64>(target->frames_limit);
    default:
        return static_cast<s64>(target->p2m.highest().value);
    }
}

s64 claim_pages(MemoryCall memory) {
    if (!memory.call.domain.privileged)
        return refuse(XEN_EPERM);
    const Result<Reservation> wish = read_reservation(memory.call, memory.address);
    if (!wish.ok())
        return failure(wish.error());
    if (wish->extents != 0 || wish->order != 0)
        return refuse(XEN_EINVAL);
    if (!named_domain(memory.call, wish->domain))
        return refuse(XEN_ESRCH);
    // Nothing is set aside: there is one toolstack, and it builds one domain at a time
    return wish->count > memory.call.domain.machine.frames.free_count() ? refuse(XEN_ENOMEM) : 0;
}

Answer memory_op(Call& call) {
    const u64 first = call.argument(0);
    constexpr u32 operation_mask = (1u << extent_shift) - 1;
    MemoryCall memory{call, static_cast<u32>(first) & operation_mask, call.argument(1),
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
    case XENMEM_exchange:
    case XENMEM_get_vnumainfo:
    case XENMEM_acquire_resource:
        return refuse(XEN_EOPNOTSUPP);
    default:
        return refuse(XEN_ENOSYS);
    }
}

}  // namespace hv
