// A grant table's size: how it grows, and which of its frames a guest may place in its map.
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>
#include <grants/trace.hpp>

namespace hv {
namespace {

/// One frame more, with all that its entries need beside it.
Result<> add_frame(Machine& machine, GrantTable& table) {
    if (table.version == 2)
        TRY(add_status_frames(machine, table, table.frame_count + 1));
    table.frames[table.frame_count] = TRY(take_shared_frame(machine));
    ++table.frame_count;
    return {};
}

}  // namespace

Result<> add_status_frames(Machine& machine, GrantTable& table, u32 frames) {
    constexpr u32 each = GrantTable::frames_per_status_frame;
    for (; table.status_count * each < frames; ++table.status_count)
        table.status_frames[table.status_count] = TRY(take_shared_frame(machine));
    return {};
}

Result<> grow(Domain& domain, u32 count) {
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    if (count > table.limit)
        return Error{XEN_EINVAL};
    if (table.frame_count > 0 && table.frame_count < count)
        trace(this_cpu(), grant_table_grown, domain.id, 0, domain.id, count);
    while (table.frame_count < count)
        TRY(add_frame(domain.machine, table));
    return {};
}

Result<Mfn> frame_of_table(Domain& domain, u64 index, bool status) {
    GrantTable& table = grants_of(domain);
    if (index >= GrantTable::most_frames || (status && table.version != 2))
        return Error{XEN_EINVAL};
    if (index >= (status ? table.status_count : table.frame_count))
        TRY(grow(domain, static_cast<u32>(index + 1) *
                             (status ? GrantTable::frames_per_status_frame : 1)));
    Guard guard{table.lock};
    if (index >= (status ? table.status_count : table.frame_count))
        return Error{XEN_EINVAL};  // it has another layout meanwhile
    const Mfn frame = status ? table.status_frames[index] : table.frames[index];
    add_use(domain.machine, frame);
    return frame;
}

Result<Mfn> grant_frame(Domain& domain, u64 index) {
    const bool status = grants_of(domain).version == 2 && (index & XENMAPIDX_grant_table_status);
    if (status)
        index &= ~u64{XENMAPIDX_grant_table_status};
    const Mfn frame = TRY(frame_of_table(domain, index, status));
    trace(this_cpu(), grant_table_shown, domain.id, 0, domain.id, index);
    return frame;
}

}  // namespace hv
