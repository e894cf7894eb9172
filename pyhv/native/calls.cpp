// The names, out of Xen's public headers: nothing here has a number of its own.
#include "calls.hpp"
#include <cstddef>
#include <events/marks.hpp>
#include <xen/xen.h>
#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

namespace hv::hosted {
namespace {

#define FIELD(type, member) {#member, offsetof(type, member), sizeof(type::member)}
/// A field inside of a structure's union, by a name of our own.
#define UNION(type, name, member) {#name, offsetof(type, u.member), sizeof(type::u.member)}
/// A field inside of a domctl's union, by its last name.
#define INNER(member, name) \
    {#name, offsetof(xen_domctl, u.member.name), sizeof(xen_domctl::u.member.name)}
/// A field of one end of a copy, whose page may be named by its number or by a reference.
#define END(name, member) \
    {name, offsetof(gnttab_copy, member), sizeof(gnttab_copy::member)}
#define DOMCTL FIELD(xen_domctl, cmd), FIELD(xen_domctl, interface_version), \
               FIELD(xen_domctl, domain)
#define LAYOUT(type, ...) \
    constexpr Field type##_fields[] = {__VA_ARGS__}; \
    constexpr Layout type##_layout{#type, sizeof(type), type##_fields}
#define DOMCTL_LAYOUT(member, ...) \
    constexpr Field member##_fields[] = {DOMCTL __VA_OPT__(,) __VA_ARGS__}; \
    constexpr Layout member##_layout{"xen_domctl_" #member, sizeof(xen_domctl), member##_fields}

// Event channels
LAYOUT(evtchn_alloc_unbound, FIELD(evtchn_alloc_unbound, dom),
       FIELD(evtchn_alloc_unbound, remote_dom), FIELD(evtchn_alloc_unbound, port));
LAYOUT(evtchn_bind_interdomain, FIELD(evtchn_bind_interdomain, remote_dom),
       FIELD(evtchn_bind_interdomain, remote_port), FIELD(evtchn_bind_interdomain, local_port));
LAYOUT(evtchn_bind_virq, FIELD(evtchn_bind_virq, virq), FIELD(evtchn_bind_virq, vcpu),
       FIELD(evtchn_bind_virq, port));
LAYOUT(evtchn_bind_ipi, FIELD(evtchn_bind_ipi, vcpu), FIELD(evtchn_bind_ipi, port));
LAYOUT(evtchn_close, FIELD(evtchn_close, port));
LAYOUT(evtchn_send, FIELD(evtchn_send, port));
LAYOUT(evtchn_unmask, FIELD(evtchn_unmask, port));
LAYOUT(evtchn_status, FIELD(evtchn_status, dom), FIELD(evtchn_status, port),
       FIELD(evtchn_status, status), FIELD(evtchn_status, vcpu),
       UNION(evtchn_status, unbound_dom, unbound.dom), UNION(evtchn_status, virq, virq),
       UNION(evtchn_status, remote_dom, interdomain.dom),
       UNION(evtchn_status, remote_port, interdomain.port), UNION(evtchn_status, pirq, pirq));

// Scheduling, and a guest's own vCPUs
LAYOUT(sched_shutdown, FIELD(sched_shutdown, reason));
LAYOUT(sched_poll, FIELD(sched_poll, ports), FIELD(sched_poll, nr_ports),
       FIELD(sched_poll, timeout));
LAYOUT(sched_remote_shutdown, FIELD(sched_remote_shutdown, domain_id),
       FIELD(sched_remote_shutdown, reason));
LAYOUT(vcpu_runstate_info, FIELD(vcpu_runstate_info, state),
       FIELD(vcpu_runstate_info, state_entry_time), FIELD(vcpu_runstate_info, time));
LAYOUT(vcpu_set_singleshot_timer, FIELD(vcpu_set_singleshot_timer, timeout_abs_ns),
       FIELD(vcpu_set_singleshot_timer, flags));

// Memory, parameters, grants, and who the hypervisor is
LAYOUT(xen_memory_reservation, FIELD(xen_memory_reservation, extent_start),
       FIELD(xen_memory_reservation, nr_extents), FIELD(xen_memory_reservation, extent_order),
       FIELD(xen_memory_reservation, mem_flags), FIELD(xen_memory_reservation, domid));
LAYOUT(xen_add_to_physmap, FIELD(xen_add_to_physmap, domid), FIELD(xen_add_to_physmap, size),
       FIELD(xen_add_to_physmap, space), FIELD(xen_add_to_physmap, idx),
       FIELD(xen_add_to_physmap, gpfn));
LAYOUT(xen_hvm_param, FIELD(xen_hvm_param, domid), FIELD(xen_hvm_param, index),
       FIELD(xen_hvm_param, value));
LAYOUT(gnttab_query_size, FIELD(gnttab_query_size, dom), FIELD(gnttab_query_size, nr_frames),
       FIELD(gnttab_query_size, max_nr_frames), FIELD(gnttab_query_size, status));
LAYOUT(gnttab_map_grant_ref, FIELD(gnttab_map_grant_ref, host_addr),
       FIELD(gnttab_map_grant_ref, flags), FIELD(gnttab_map_grant_ref, ref),
       FIELD(gnttab_map_grant_ref, dom), FIELD(gnttab_map_grant_ref, status),
       FIELD(gnttab_map_grant_ref, handle), FIELD(gnttab_map_grant_ref, dev_bus_addr));
LAYOUT(gnttab_unmap_grant_ref, FIELD(gnttab_unmap_grant_ref, host_addr),
       FIELD(gnttab_unmap_grant_ref, dev_bus_addr), FIELD(gnttab_unmap_grant_ref, handle),
       FIELD(gnttab_unmap_grant_ref, status));
LAYOUT(gnttab_copy, END("source", source.u.gmfn), END("source_domid", source.domid),
       END("source_offset", source.offset), END("dest", dest.u.gmfn),
       END("dest_domid", dest.domid), END("dest_offset", dest.offset), FIELD(gnttab_copy, len),
       FIELD(gnttab_copy, flags), FIELD(gnttab_copy, status));
LAYOUT(gnttab_set_version, FIELD(gnttab_set_version, version));
LAYOUT(gnttab_get_version, FIELD(gnttab_get_version, dom), FIELD(gnttab_get_version, version));
LAYOUT(xen_mem_acquire_resource, FIELD(xen_mem_acquire_resource, domid),
       FIELD(xen_mem_acquire_resource, type), FIELD(xen_mem_acquire_resource, id),
       FIELD(xen_mem_acquire_resource, nr_frames), FIELD(xen_mem_acquire_resource, frame),
       FIELD(xen_mem_acquire_resource, frame_list));
LAYOUT(xen_remove_from_physmap, FIELD(xen_remove_from_physmap, domid),
       FIELD(xen_remove_from_physmap, gpfn));
LAYOUT(xen_feature_info, FIELD(xen_feature_info, submap_idx), FIELD(xen_feature_info, submap));

// The toolstack's
DOMCTL_LAYOUT(createdomain, INNER(createdomain, flags), INNER(createdomain, max_vcpus),
              INNER(createdomain, max_evtchn_port), INNER(createdomain, max_grant_frames),
              INNER(createdomain, max_maptrack_frames), INNER(createdomain, grant_opts),
              INNER(createdomain, arch.emulation_flags));
DOMCTL_LAYOUT(max_mem, INNER(max_mem, max_memkb));
DOMCTL_LAYOUT(max_vcpus, INNER(max_vcpus, max));
DOMCTL_LAYOUT(pausedomain);

#define EVENT(name) {"event_channel_op", #name, EVTCHNOP_##name, &evtchn_##name##_layout}
#define SCHED(name, ...) {"sched_op", #name, SCHEDOP_##name __VA_OPT__(,) __VA_ARGS__}
#define VCPU(name, ...) {"vcpu_op", #name, VCPUOP_##name __VA_OPT__(,) __VA_ARGS__}
#define MEMORY(name, ...) {"memory_op", #name, XENMEM_##name __VA_OPT__(,) __VA_ARGS__}
#define GRANT(name, layout) {"grant_table_op", #name, GNTTABOP_##name, layout}
#define VERSION(name, ...) {"xen_version", #name, XENVER_##name __VA_OPT__(,) __VA_ARGS__}
#define DOMCTL_ROW(name, layout) \
    {"domctl", #name, XEN_DOMCTL_##name, &layout, XEN_DOMCTL_INTERFACE_VERSION}

constexpr Operation rows[] = {
    EVENT(alloc_unbound), EVENT(bind_interdomain), EVENT(bind_virq), EVENT(bind_ipi),
    EVENT(close), EVENT(send), EVENT(unmask), EVENT(status),

    SCHED(yield), SCHED(block), SCHED(shutdown, &sched_shutdown_layout),
    SCHED(poll, &sched_poll_layout), SCHED(remote_shutdown, &sched_remote_shutdown_layout),

    VCPU(is_up), VCPU(up), VCPU(down), VCPU(get_runstate_info, &vcpu_runstate_info_layout),
    VCPU(set_singleshot_timer, &vcpu_set_singleshot_timer_layout), VCPU(stop_singleshot_timer),

    MEMORY(populate_physmap, &xen_memory_reservation_layout),
    MEMORY(decrease_reservation, &xen_memory_reservation_layout),
    MEMORY(add_to_physmap, &xen_add_to_physmap_layout),
    MEMORY(remove_from_physmap, &xen_remove_from_physmap_layout),
    MEMORY(acquire_resource, &xen_mem_acquire_resource_layout),

    {"hvm_op", "set_param", HVMOP_set_param, &xen_hvm_param_layout},
    {"hvm_op", "get_param", HVMOP_get_param, &xen_hvm_param_layout},
    GRANT(query_size, &gnttab_query_size_layout),
    GRANT(get_version, &gnttab_get_version_layout),
    GRANT(map_grant_ref, &gnttab_map_grant_ref_layout),
    GRANT(unmap_grant_ref, &gnttab_unmap_grant_ref_layout), GRANT(copy, &gnttab_copy_layout),
    GRANT(set_version, &gnttab_set_version_layout),
    {"console_io", "write", CONSOLEIO_write},

    VERSION(version), VERSION(extraversion), VERSION(get_features, &xen_feature_info_layout),
    VERSION(pagesize),

    DOMCTL_ROW(createdomain, createdomain_layout),
    DOMCTL_ROW(max_mem, max_mem_layout),
    DOMCTL_ROW(max_vcpus, max_vcpus_layout),
    DOMCTL_ROW(pausedomain, pausedomain_layout),
    DOMCTL_ROW(unpausedomain, pausedomain_layout),
    DOMCTL_ROW(destroydomain, pausedomain_layout),
};

constexpr Constant known[] = {
#define CONSTANT(name) {#name, static_cast<u64>(name)}
    CONSTANT(DOMID_SELF), CONSTANT(XENMAPSPACE_shared_info), CONSTANT(XENMAPSPACE_grant_table),
    CONSTANT(GNTMAP_host_map), CONSTANT(GNTMAP_readonly), CONSTANT(GNTCOPY_source_gref),
    CONSTANT(GNTCOPY_dest_gref), CONSTANT(GTF_permit_access), CONSTANT(GTF_readonly),
    CONSTANT(GTF_reading), CONSTANT(GTF_writing),
    CONSTANT(SHUTDOWN_poweroff), CONSTANT(SHUTDOWN_reboot), CONSTANT(SHUTDOWN_suspend),
    CONSTANT(SHUTDOWN_crash), CONSTANT(VIRQ_TIMER), CONSTANT(VIRQ_CONSOLE), CONSTANT(VIRQ_DOM_EXC),
    CONSTANT(EVTCHNSTAT_closed), CONSTANT(EVTCHNSTAT_unbound), CONSTANT(EVTCHNSTAT_interdomain),
    CONSTANT(EVTCHNSTAT_virq), CONSTANT(EVTCHNSTAT_ipi), CONSTANT(HVM_PARAM_CALLBACK_IRQ),
    CONSTANT(HVM_PARAM_STORE_EVTCHN), CONSTANT(HVM_PARAM_CONSOLE_EVTCHN),
    CONSTANT(XENMEM_resource_grant_table), CONSTANT(XENMEM_resource_grant_table_id_status),
    CONSTANT(resource_event_marks),
    CONSTANT(XEN_DOMCTL_CDF_hvm), CONSTANT(XEN_DOMCTL_CDF_hap), CONSTANT(XEN_X86_EMU_LAPIC),
};

constexpr Constant errors[] = {
#define XEN_ERRNO(name, value) {#name, value},
#include <xen/errno.h>
};

}  // namespace

std::span<const Operation> operations() { return rows; }
std::span<const Constant> constants() { return known; }
std::span<const Constant> error_names() { return errors; }

}  // namespace hv::hosted
