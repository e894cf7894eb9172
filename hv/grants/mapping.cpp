// map_grant_ref and unmap_grant_ref: another's page in the caller's map, and the handle to it.
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>

namespace hv {
namespace {

/// Makes room for more handles. XEN_ENOSPC beyond the limit; XEN_ENOMEM.
Result<> add_handles(Machine& machine, GrantTable& table) {
    if (table.handle_frames == table.handle_limit)
        return Error{XEN_ENOSPC};
    if (table.handles == nullptr)
        table.handles = TRY(make<GrantTable::HandleFrames>(machine));
    const Mfn frame = TRY(machine.frames.take(owner_hypervisor));
    const GrantHandle first = table.handle_count();
    (*table.handles)[table.handle_frames++] = machine.memory.as<HeldPage>(address_of(frame));
    for (GrantHandle handle = first; handle < table.handle_count(); ++handle)
        table.held(handle).ref = handle + 1;
    table.held(table.handle_count() - 1).ref = table.first_free;
    table.first_free = first;
    return {};
}

/// A handle that names nothing yet, and is nobody else's.
Result<GrantHandle> take_handle(Domain& domain) {
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    if (table.first_free == GrantTable::no_handle)
        TRY(add_handles(domain.machine, table));
    const GrantHandle handle = table.first_free;
    table.first_free = table.held(handle).ref;
    return handle;
}

void give_back_handle(GrantTable& table, GrantHandle handle) {
    Guard guard{table.lock};
    table.held(handle) = {.ref = std::exchange(table.first_free, handle)};
}

/// Shows a frame at `gfn` of `domain`. As on Xen, RAM of its own that stood there stays its own,
/// without a place; another's page that it borrowed stays where it is: XEN_EINVAL.
Result<> show_borrowed(Domain& domain, Gfn gfn, Mfn frame, bool write) {
    const x86::Access access{.read = true, .write = write, .borrowed = true};
    add_use(domain.machine, frame);
    Result<> shown = domain.p2m.add(gfn, frame, 0, access);
    if (!shown.ok() && shown.error().code == XEN_EEXIST) {
        Quarantine quarantine{domain};
        shown = unplace_frame(domain, gfn, quarantine);
        if (shown.ok())
            shown = domain.p2m.add(gfn, frame, 0, access);
    }
    if (!shown.ok())
        end_use(domain.machine, frame);
    return shown;
}

/// Maps what `owner` promised, under a handle that was taken for it.
GrantStatus map_by(GrantHandle handle, Domain& mapper, Domain& owner,
                   gnttab_map_grant_ref_t& wish) {
    const bool write = (wish.flags & GNTMAP_readonly) == 0;
    PinnedPage page;
    const PinWish pin_wish{.ref = wish.ref, .holder = mapper.id, .write = write, .map = true};
    if (const auto status = pin(owner, pin_wish, page); status != GNTST_okay)
        return status;
    const Gfn gfn = frame_of(Gpa{wish.host_addr});
    if ((wish.flags & ~GNTMAP_readonly) != GNTMAP_host_map ||
        !show_borrowed(mapper, gfn, page.frame, write).ok()) {
        unpin(owner, wish.ref, write);
        return GNTST_general_error;
    }
    GrantTable& table = grants_of(mapper);
    Guard guard{table.lock};
    table.held(handle) = {wish.ref, owner.id, static_cast<u16>(wish.flags), gfn.value};
    wish.handle = handle;
    wish.dev_bus_addr = address_of(page.frame).value;
    return GNTST_okay;
}

GrantStatus map_one(Call& call, gnttab_map_grant_ref_t& wish) {
    Domain& mapper = call.domain;
    if ((wish.flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0)
        return GNTST_bad_gntref;
    // A PVH guest has no devices, and no page tables that we would write
    if ((wish.flags & (GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte)) != 0)
        return GNTST_general_error;
    const DomainRef owner = find_domain(mapper.machine, wish.dom);
    if (!owner)
        return GNTST_bad_domain;
    const Result<GrantHandle> handle = take_handle(mapper);
    if (!handle.ok())
        return GNTST_no_space;
    const GrantStatus status = map_by(*handle, mapper, *owner, wish);
    if (status != GNTST_okay)
        give_back_handle(grants_of(mapper), *handle);
    else
        trace(call.cpu, grant_mapped, mapper.id, call.vcpu.id, mapper.id, owner->id, wish.ref);
    return status;
}

/// Pages whose mappings are gone, until the flush that each of them needs. Only then do their
/// owners see that they are let go.
class Returning {
public:
    static constexpr u32 most = 8;

    explicit Returning(Domain& mapper) : mapper_{mapper}, quarantine_{mapper} {}
    ~Returning() noexcept(false) { settle(); }
    Returning(const Returning&) = delete;

    /// Unmaps the page of a handle that was claimed; settles when that makes it full.
    void put(GrantHandle handle) {
        const Gfn gfn{grants_of(mapper_).held(handle).gfn};
        const Result<Mfn> frame = mapper_.p2m.return_borrowed(gfn);
        if (!frame.ok())
            panic("d{} lost its borrowed page at {:x}", mapper_.id, gfn.value);
        quarantine_.put(*frame, 0, 1);
        handles_[count_++] = handle;
        if (count_ == most)
            settle();
    }

private:
    void settle();

    Domain& mapper_;
    Quarantine quarantine_;
    GrantHandle handles_[most];  ///< the first count_ of them
    u32 count_ = 0;
};

void Returning::settle() {
    quarantine_.settle();
    GrantTable& table = grants_of(mapper_);
    for (const GrantHandle handle : std::span{handles_, std::exchange(count_, 0)}) {
        const HeldPage held = table.held(handle);
        // Its page is pinned: the domain is there
        const DomainRef owner = find_domain(mapper_.machine, held.owner);
        unpin(*owner, held.ref, held.writable());
        give_back_handle(table, handle);
        trace(this_cpu(), grant_unmapped, mapper_.id, 0, mapper_.id, held.owner, held.ref);
    }
}

/// Makes a handle this call's alone, if its page is mapped at `address`: from now on it names
/// nothing, and is nobody else's. At address 0 nothing is asked, or `claimed`.
GrantStatus claim(GrantTable& table, GrantHandle handle, u64 address, bool& claimed) {
    Guard guard{table.lock};
    claimed = false;
    if (handle >= table.handle_count() || !table.held(handle).mapped())
        return GNTST_bad_handle;
    HeldPage& held = table.held(handle);
    if (address == 0)
        return GNTST_okay;
    if (frame_of(Gpa{address}) != Gfn{held.gfn})
        return GNTST_general_error;
    held.flags &= ~GNTMAP_host_map;
    claimed = true;
    return GNTST_okay;
}

/// Claims the next page that a dying domain holds; false when there is none.
bool claim_next(GrantTable& table, GrantHandle& handle) {
    Guard guard{table.lock};
    while (table.released < table.handle_count()) {
        handle = table.released++;
        HeldPage& held = table.held(handle);
        if (held.mapped()) {
            held.flags &= ~GNTMAP_host_map;
            return true;
        }
    }
    return false;
}

}  // namespace

Answer map_grants(Call& call) {
    return each_item(call, sizeof(gnttab_map_grant_ref_t), [&](u64 address) -> Result<> {
        gnttab_map_grant_ref_t wish;
        TRY(call.read(wish, address));
        wish.status = map_one(call, wish);
        return call.write_back(address, wish);
    });
}

Answer unmap_grants(Call& call) {
    Returning returning{call.domain};
    return each_item(call, sizeof(gnttab_unmap_grant_ref_t), [&](u64 address) -> Result<> {
        gnttab_unmap_grant_ref_t wish;
        TRY(call.read(wish, address));
        bool claimed;
        const GrantStatus status =
            claim(grants_of(call.domain), wish.handle, wish.host_addr, claimed);
        if (claimed)
            returning.put(wish.handle);
        return call.write_back(address + offsetof(gnttab_unmap_grant_ref_t, status), status);
    });
}

Progress let_go_of_all(Domain& domain) {
    Returning returning{domain};
    for (GrantHandle handle; claim_next(grants_of(domain), handle);) {
        returning.put(handle);
        if (wanted_elsewhere(this_cpu()))
            return Progress::again;
    }
    return Progress::done;
}

}  // namespace hv
