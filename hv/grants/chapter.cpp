// Chapter grants: what it plugs into the machine.
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>
#include <xen/domctl.h>

namespace hv::grants {
namespace {

Result<> furnish(Domain& domain, const xen_domctl_createdomain& wish) {
    GrantTable* const made = TRY(make<GrantTable>(domain.machine));
    // Negative: as many as there can be
    made->limit = std::min(static_cast<u32>(wish.max_grant_frames), GrantTable::most_frames);
    domain.parts.furnish(made);
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

void forget(Domain& domain) { unmake(domain.machine, domain.parts.find<GrantTable>()); }

constexpr HypercallRow calls[] = {
    {__HYPERVISOR_grant_table_op, grant_table_op},
};
constexpr PhysmapSpace spaces[] = {{XENMAPSPACE_grant_table, grant_frame}};

constexpr DomainPlug domain_plug{
    .chapter = Chapter::grants,
    .furnish = furnish,
    .release = release,
    .forget = forget,
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

}  // namespace hv::grants
