// Chapter grants: what it plugs into the machine.
#include <domains/memory.hpp>
#include <grants/chapter.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>
#include <xen/domctl.h>

namespace hv::grants {
namespace {

Result<> furnish(Domain& domain, const xen_domctl_createdomain& wish) {
    const Result<GrantTable*> made = make<GrantTable>(domain.machine);
    TRY(made);
    // Negative: as many as there can be
    (*made)->limit = std::min(static_cast<u32>(wish.max_grant_frames), GrantTable::most_frames);
    domain.parts.furnish(*made);
    return {};
}

Progress release(Domain& domain) {
    GrantTable* const table = domain.parts.find<GrantTable>();
    if (table == nullptr)
        return Progress::done;
    Guard guard{table->lock};
    table->limit = 0;
    for (; table->frame_count > 0; --table->frame_count)
        end_use(domain.machine, table->frames[table->frame_count - 1]);
    return Progress::done;
}

void forget(Domain& domain) { unmake(domain.machine, domain.parts.find<GrantTable>()); }

Result<Mfn> show_frame(Domain& domain, u64 index) {
    const Result<Mfn> frame = grant_frame(domain, index);
    if (frame.ok())
        trace(this_cpu(), grant_table_shown, domain.id, 0, domain.id, index);
    return frame;
}

constexpr HypercallRow calls[] = {
    {__HYPERVISOR_grant_table_op, grant_table_op},
};
constexpr PhysmapSpace spaces[] = {{XENMAPSPACE_grant_table, show_frame}};

constexpr DomainPlug domain_plug{
    .chapter = Chapter::grants,
    .furnish = furnish,
    .release = release,
    .forget = forget,
    .furnish_vcpu = nullptr,
    .release_vcpu = nullptr,
    .shut_down = nullptr,
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
    .open_cpu = nullptr,
};

}  // namespace hv::grants
