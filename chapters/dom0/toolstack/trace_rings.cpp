// How dom0 comes to the hypervisor's trace: XEN_SYSCTL_tbuf_op (xen/sysctl.h), and rings that
// DOMID_XEN shows it.
#include "control.hpp"
#include "guest_memory.hpp"
#include "trace.hpp"

namespace dom0 {

Result<> TraceRings::open() {
    if (start_ != nullptr) return {};
    auto info = trace_op(XEN_SYSCTL_TBUFOP_get_info);
    if (!info) return info.error();
    auto machine = physical_info();
    if (!machine) return machine.error();
    const u64 frames = machine->nr_cpus * u64{info->size} >> page_shift;
    auto place = map_for_good(DOMID_XEN, Gfn{info->buffer_mfn}, frames);
    if (!place) return place.error();
    start_ = *place;
    ring_bytes_ = info->size;
    cpus_ = machine->nr_cpus;
    return {};
}

Result<> set_trace_mask(u32 bits) {
    auto done = trace_op(XEN_SYSCTL_TBUFOP_set_evt_mask, bits);
    if (!done) return done.error();
    return {};
}

}  // namespace dom0
