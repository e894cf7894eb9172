// Chapter grants: a domain's grant table, how it grows, and what its guest may ask of it. Public
// header xen/grant_table.h.
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>
#include <xen/domctl.h>

namespace hv {

Result<> grow(Domain& domain, u32 count) {
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    if (count > table.limit)
        return Error{XEN_EINVAL};
    if (table.frame_count < count)
        trace(this_cpu(), grant_table_grown, domain.id, 0, domain.id, count);
    for (; table.frame_count < count; ++table.frame_count)
        table.frames[table.frame_count] = TRY(take_shared_frame(domain.machine));
    return {};
}

Result<Mfn> grant_frame(Domain& domain, u64 index) {
    // Bit 31 asks for the status frames of version 2, which nobody has
    if (index >= GrantTable::most_frames)
        return Error{XEN_EINVAL};
    TRY(grow(domain, static_cast<u32>(index) + 1));
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    if (index >= table.frame_count)
        return Error{XEN_EINVAL};  // taken apart meanwhile
    add_use(domain.machine, table.frames[index]);
    trace(this_cpu(), grant_table_shown, domain.id, 0, domain.id, index);
    return table.frames[index];
}

namespace {

/// What an operation's status says of the domain that it names.
s16 status_of(const Result<DomainRef>& target) {
    if (target.ok())
        return GNTST_okay;
    return target.error().code == XEN_ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
}

/// gnttab_setup_table.
template <class Long>
struct Setup {
    DomainId domain;
    u32 frames;
    s16 status;
    Long list;

    auto fields() { return std::tie(domain, frames, list); }
};
static_assert(sizeof(Setup<u64>) == sizeof(gnttab_setup_table_t));

Answer setup_table(Call& call, u64 address) {
    const auto wish = TRY(read_layout<Setup>(call, address));
    const Result<DomainRef> target = target_of(call, wish.domain);
    s16 status = status_of(target);
    if (status == GNTST_okay && !grow(**target, wish.frames).ok())
        status = GNTST_general_error;
    // The frames themselves are named by XENMEM_add_to_physmap: a PVH guest has no machine frames
    for (u32 i = 0; status == GNTST_okay && i < wish.frames; ++i)
        if (!call.write_long(wish.list, i, ~0ull).ok())
            status = GNTST_bad_virt_addr;
    return call.write(address + offsetof(Setup<u64>, status), status);
}

Answer query_size(Call& call, u64 address) {
    gnttab_query_size_t wish;
    TRY(call.read(wish, address));
    const Result<DomainRef> target = target_of(call, wish.dom);
    wish.status = status_of(target);
    if (target.ok()) {
        wish.nr_frames = grants_of(**target).frame_count;
        wish.max_nr_frames = grants_of(**target).limit;
    }
    return call.write(address, wish);
}

/// Only version 1 is offered; the guest learns what it has.
Answer set_version(Call& call, u64 address) {
    gnttab_set_version_t wish;
    TRY(call.read(wish, address));
    const u32 wanted = wish.version;
    wish.version = GrantTable::version;
    TRY(call.write(address, wish));
    return wanted == GrantTable::version ? 0 : refuse(wanted == 2 ? XEN_ENOSYS : XEN_EINVAL);
}

Answer get_version(Call& call, u64 address) {
    gnttab_get_version_t wish;
    TRY(call.read(wish, address));
    (void)TRY(target_of(call, wish.dom));
    wish.version = GrantTable::version;
    return call.write(address, wish);
}

}  // namespace

Answer grant_table_op(Call& call) {
    const u64 address = call.argument(1);
    const bool one = call.argument(2) == 1;
    switch (call.argument(0)) {
    case GNTTABOP_setup_table:
        return one ? setup_table(call, address) : Error{XEN_EINVAL};
    case GNTTABOP_query_size:
        return one ? query_size(call, address) : Error{XEN_EINVAL};
    case GNTTABOP_set_version:
        return one ? set_version(call, address) : Error{XEN_EINVAL};
    case GNTTABOP_get_version:
        return one ? get_version(call, address) : Error{XEN_EINVAL};
    default:
        return Error{XEN_ENOSYS};
    }
}

namespace grants {
namespace {

Result<> furnish(Domain& domain, const xen_domctl_createdomain& wish) {
    // Negative: as many as there can be
    hv::furnish<GrantTable>(domain).limit =
        std::min(static_cast<u32>(wish.max_grant_frames), GrantTable::most_frames);
    return {};
}

Progress release(Domain& domain) {
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    table.limit = 0;
    for (; table.frame_count > 0; --table.frame_count)
        end_use(domain.machine, table.frames[table.frame_count - 1]);
    return Progress::done;
}

constexpr HypercallRow calls[] = {{__HYPERVISOR_grant_table_op, grant_table_op}};
constexpr PhysmapSpace spaces[] = {{XENMAPSPACE_grant_table, grant_frame}};

constexpr DomainPlug domain_plug{
    .chapter = Chapter::grants,
    .furnish = furnish,
    .release = release,
    .hypercalls = calls,
    .physmap_spaces = spaces,
};

Result<> open(Machine& machine, Cpu&) {
    join(machine, domain_plug);
    return {};
}

}  // namespace

constexpr Plug plug{
    .chapter = Chapter::grants,
    .title = "Grants",
    .events = grant_events,
    .open = open,
};

}  // namespace grants
}  // namespace hv
