// A domain's grant table: how it grows.
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>

namespace hv {

Result<> grow(Domain& domain, u32 count) {
    GrantTable& table = grants_of(domain);
    Guard guard{table.lock};
    if (count > table.limit)
        return Error{XEN_EINVAL};
    while (table.frame_count < count) {
        const Result<Mfn> frame = take_shared_frame(domain.machine);
        TRY(frame);
        table.frames[table.frame_count++] = *frame;
    }
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
    return table.frames[index];
}

}  // namespace hv
