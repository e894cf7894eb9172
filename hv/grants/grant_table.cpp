// A domain's grant table: how it grows.
#include <domains/memory.hpp>
#include <grants/grant_table.hpp>

namespace hv {

Result<> grow(Domain& domain, u32 count) {
    GrantTable& table = grants_of(domain);
    if (count > table.limit)
        return Error{XEN_EINVAL};
    Guard guard{table.lock};
    while (table.frame_count < count) {
        const Result<Mfn> frame = take_shared_frame(domain.machine);
        TRY(frame);
        table.frames[table.frame_count++] = *frame;
    }
    return {};
}

Result<Mfn> grant_frame(Domain& domain, u64 index) {
    // Bit 31 asks for the status frames of version 2, which nobody has
    if (index >= grants_of(domain).limit)
        return Error{XEN_EINVAL};
    TRY(grow(domain, static_cast<u32>(index) + 1));
    return grants_of(domain).frames[index];
}

}  // namespace hv
