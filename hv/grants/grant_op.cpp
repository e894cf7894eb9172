// grant_table_op: what a guest may ask of grant tables. Public header xen/grant_table.h.
#include <grants/grant_table.hpp>

namespace hv {
namespace {

/// The domain that an operation names. GNTST_bad_domain, GNTST_permission_denied.
s16 find_target(Call& call, DomainId id, DomainRef& target) {
    const bool self = id == DOMID_SELF || id == call.domain.id;
    target = find_domain(call.domain.machine, self ? call.domain.id : id);
    if (!target || target->parts.find<GrantTable>() == nullptr)
        return GNTST_bad_domain;
    return self || call.domain.privileged ? GNTST_okay : GNTST_permission_denied;
}

s64 setup_table(Call& call, u64 address) {
    struct Wide { u16 dom; u32 frames; s16 status; u64 list; };
    struct Narrow { u16 dom; u32 frames; s16 status; u32 list; };
    Wide wish{};
    if (const auto read = call.read(&wish, address, call.wide ? sizeof(Wide) : sizeof(Narrow));
        !read.ok())
        return failure(read.error());
    const u64 list = call.wide ? wish.list : static_cast<u32>(wish.list);

    DomainRef target;
    s16 status = find_target(call, wish.dom, target);
    if (status == GNTST_okay && !grow(*target, wish.frames).ok())
        status = GNTST_general_error;
    // The frames themselves are named by XENMEM_add_to_physmap: a PVH guest has no machine frames
    for (u32 i = 0; status == GNTST_okay && i < wish.frames; ++i)
        if (!call.write_long(list, i, ~0ull).ok())
            status = GNTST_bad_virt_addr;
    return answer(call.write(address + offsetof(Wide, status), status));
}

s64 query_size(Call& call, u64 address) {
    gnttab_query_size_t wish;
    if (const auto read = call.read(wish, address); !read.ok())
        return failure(read.error());
    DomainRef target;
    wish.status = find_target(call, wish.dom, target);
    if (wish.status == GNTST_okay) {
        wish.nr_frames = grants_of(*target).frame_count;
        wish.max_nr_frames = grants_of(*target).limit;
    }
    return answer(call.write(address, wish));
}

/// Only version 1 is offered; the guest learns what it has.
s64 set_version(Call& call, u64 address) {
    gnttab_set_version_t wish;
    if (const auto read = call.read(wish, address); !read.ok())
        return failure(read.error());
    const s64 result = wish.version == 1 ? 0 : wish.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    wish.version = grants_of(call.domain).version;
    if (const auto written = call.write(address, wish); !written.ok())
        return failure(written.error());
    return result;
}

s64 get_version(Call& call, u64 address) {
    gnttab_get_version_t wish;
    if (const auto read = call.read(wish, address); !read.ok())
        return failure(read.error());
    DomainRef target;
    if (const s16 status = find_target(call, wish.dom, target); status != GNTST_okay)
        return status == GNTST_bad_domain ? -XEN_ESRCH : -XEN_EPERM;
    wish.version = grants_of(*target).version;
    return answer(call.write(address, wish));
}

}  // namespace

Answer grant_table_op(Call& call) {
    const u64 address = call.argument(1);
    switch (call.argument(0)) {
    case GNTTABOP_setup_table:
        return call.argument(2) == 1 ? setup_table(call, address) : -XEN_EINVAL;
    case GNTTABOP_query_size:
        return call.argument(2) == 1 ? query_size(call, address) : -XEN_EINVAL;
    case GNTTABOP_set_version:
        return call.argument(2) == 1 ? set_version(call, address) : -XEN_EINVAL;
    case GNTTABOP_get_version:
        return call.argument(2) == 1 ? get_version(call, address) : -XEN_EINVAL;
    default:
        return -XEN_ENOSYS;
    }
}

}  // namespace hv
