// grant_table_op: which operation it is, and those that ask for a table's size or layout. Public
// header xen/grant_table.h.
#include <domains/calls.hpp>
#include <grants/grant_table.hpp>

namespace hv {
namespace {

/// What an operation's status says of the domain that it names.
GrantStatus status_of(const Result<DomainRef>& target) {
    if (target.ok())
        return GNTST_okay;
    return target.error().code == XEN_ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
}

/// gnttab_setup_table.
template <class Long>
struct Setup {
    DomainId domain;
    u32 frames;
    GrantStatus status;
    Long list;

    auto fields() { return std::tie(domain, frames, list); }
};
static_assert(sizeof(Setup<u64>) == sizeof(gnttab_setup_table_t));

Answer setup_table(Call& call, u64 address) {
    const auto wish = TRY(read_layout<Setup>(call, address));
    const Result<DomainRef> target = target_of(call, wish.domain);
    GrantStatus status = status_of(target);
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

/// The guest learns what it has, whatever it asked for.
Answer set_version(Call& call, u64 address) {
    gnttab_set_version_t wish;
    TRY(call.read(wish, address));
    GrantTable& table = grants_of(call.domain);
    Result<> changed = Error{XEN_EINVAL};
    if (wish.version == 1 || wish.version == 2)
        changed = wish.version <= table.most_version ? change_version(call.domain, wish.version)
                                                     : Error{XEN_ENOSYS};
    wish.version = table.version;
    TRY(call.write(address, wish));
    return changed;
}

Answer get_version(Call& call, u64 address) {
    gnttab_get_version_t wish;
    TRY(call.read(wish, address));
    wish.version = grants_of(*TRY(target_of(call, wish.dom))).version;
    return call.write(address, wish);
}

/// Those that Xen answers a PVH guest; `count` is a sound number.
Answer run_operation(Call& call, u64 address, u32 count) {
    switch (call.argument(0)) {
    case GNTTABOP_map_grant_ref:
        return map_grants(call);
    case GNTTABOP_unmap_grant_ref:
        return unmap_grants(call);
    case GNTTABOP_setup_table:
        return count == 1 ? setup_table(call, address) : Error{XEN_EINVAL};
    case GNTTABOP_copy:
        return copy_grants(call);
    case GNTTABOP_query_size:
        return count == 1 ? query_size(call, address) : Error{XEN_EINVAL};
    case GNTTABOP_set_version:
        return set_version(call, address);
    case GNTTABOP_get_version:
        return get_version(call, address);
    default:
        return swap_grants(call);
    }
}

}  // namespace

Answer grant_table_op(Call& call) {
    // The rest, transfer and unmap_and_replace among them, Xen refuses a PVH guest unread
    constexpr u32 answered = 1 << GNTTABOP_map_grant_ref | 1 << GNTTABOP_unmap_grant_ref |
                             1 << GNTTABOP_setup_table | 1 << GNTTABOP_copy |
                             1 << GNTTABOP_query_size | 1 << GNTTABOP_set_version |
                             1 << GNTTABOP_get_version | 1 << GNTTABOP_swap_grant_ref;
    const u64 operation = call.argument(0);
    if (operation >= 32 || (answered >> operation & 1) == 0)
        return Error{XEN_ENOSYS};
    const u32 count = static_cast<u32>(call.argument(2));
    if (count > INT32_MAX)
        return Error{XEN_EINVAL};
    return run_operation(call, call.argument(1), count);
}

}  // namespace hv
