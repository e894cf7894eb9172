// Chapter grants: what it plugs into the machine, and what of a table outlives its guest.
#include <domains/calls.hpp>
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>

namespace hv::grants {
namespace {

/// A limit as the toolstack gives it: negative means the most that there can be. XEN_EINVAL.
Result<u32> limit_of(int32_t wish, u32 most) {
    if (wish >= 0 && static_cast<u32>(wish) > most)
        return Error{XEN_EINVAL};
    return wish < 0 ? most : static_cast<u32>(wish);
}

Result<> furnish(Domain& domain, const xen_domctl_createdomain& wish) {
    const u32 version = wish.grant_opts & XEN_DOMCTL_GRANT_version_mask;
    const u32 frames = TRY(limit_of(wish.max_grant_frames, GrantTable::most_frames));
    const u32 handles = TRY(limit_of(wish.max_maptrack_frames, GrantTable::most_handle_frames));
    if (frames == 0 || version == 0 || version > 2)
        return Error{XEN_EINVAL};
    GrantTable& table = *TRY(make<GrantTable>(domain.machine));
    domain.parts.furnish(&table);
    table.most_version = version;
    table.limit = frames;
    table.handle_limit = handles;
    return grow(domain, 1);
}

/// Says which promises of a dying domain keep it from leaving: the first, and how many.
void tell_of_pins(Domain& domain, GrantTable& table) {
    u32 count = 0;
    GrantRef first = 0;
    for (GrantRef ref = 0; ref < table.pin_frames * GrantTable::pins_per_frame; ++ref)
        if (table.pin(ref).held() && count++ == 0)
            first = ref;
    if (count > 0)
        tell(this_cpu(), grant_outlives, domain.id, domain.id, table.pin(first).holder, first,
             count);
}

/// It gives back what it borrowed, and promises nothing more. Its table stays, as on Xen, for as
/// long as somebody holds a page by it: there we write who is done, and its toolstack looks.
Progress release(Domain& domain) {
    if (let_go_of_all(domain) == Progress::again)
        return Progress::again;
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    if (std::exchange(table.limit, 0) != 0)
        tell_of_pins(domain, table);
    return Progress::done;
}

void forget(Domain& domain) {
    GrantTable* const table = domain.parts.find<GrantTable>();
    if (table == nullptr)
        return;
    Machine& machine = domain.machine;
    const auto give_back = [&](const void* page) {
        machine.frames.give_back(frame_of(machine.memory.address_of_pointer(page)));
    };
    for (u32 i = 0; i < table->frame_count; ++i)
        end_use(machine, table->frames[i]);
    for (u32 i = 0; i < table->status_count; ++i)
        end_use(machine, table->status_frames[i]);
    for (u32 i = 0; i < table->pin_frames; ++i)
        give_back(table->pins[i]);
    for (u32 i = 0; i < table->handle_frames; ++i)
        give_back((*table->handles)[i]);
    unmake(machine, table->handles);
    unmake(machine, table);
}

/// XENMEM_resource_grant_table: how many frames the table may have, of either kind.
u32 most_frames(Domain& domain, u32 id) {
    constexpr u32 each = GrantTable::frames_per_status_frame;
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    const u32 frames = std::max(table.limit, table.frame_count);
    if (id == XENMEM_resource_grant_table_id_shared)
        return frames;
    return id == XENMEM_resource_grant_table_id_status && table.version == 2
               ? static_cast<u32>(align_up(frames, each) / each)
               : 0;
}

Result<Mfn> resource_frame(Domain& domain, u32 id, u64 index) {
    return frame_of_table(domain, index, id == XENMEM_resource_grant_table_id_status);
}

constexpr HypercallRow calls[] = {{__HYPERVISOR_grant_table_op, grant_table_op}};
constexpr PhysmapSpace spaces[] = {{XENMAPSPACE_grant_table, grant_frame}};
constexpr Resource resources[] = {{XENMEM_resource_grant_table, most_frames, resource_frame}};

constexpr DomainPlug domain_plug{
    .chapter = Chapter::grants,
    .furnish = furnish,
    .release = release,
    .forget = forget,
    .hypercalls = calls,
    .physmap_spaces = spaces,
    .resources = resources,
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

}  // namespace hv::grants
