// The toolstack's levers: domctl and sysctl (xen/domctl.h, xen/sysctl.h), one function each.
#pragma once

#include <kit/hypercall.hpp>
#include <kit/types.hpp>
#include <string>
#include <vector>

namespace dom0 {

using namespace kit;

/// What a new domain may have at most.
struct Limits {
    u32 vcpus;
    u32 event_ports = 1023;
    s64 grant_frames = 64;
    s64 maptrack_frames = 1024;
};

/// XEN_DOMCTL_createdomain: an empty PVH domain with local APICs and nothing else. Returns its id.
Result<u16> create_domain(const Limits& limits);
Result<> set_max_vcpus(u16 domain, u32 vcpus);
/// The most memory the domain may own, in KiB.
Result<> set_max_memory(u16 domain, u64 kib);
/// Memory that the hypervisor may use for the domain's page tables, in bytes: whole pages.
Result<> set_paging_pool(u16 domain, u64 bytes);
Result<> pause_domain(u16 domain);
Result<> unpause_domain(u16 domain);
/// Ends the domain, however long it takes to give back its memory.
Result<> destroy_domain(u16 domain);

/// The first domain whose id is `from` or more; XEN_ESRCH when there is none.
Result<xen_domctl_getdomaininfo> domain_info(u16 from);

/// HVMOP_set_param for a domain that is being built (xen/hvm/params.h).
Result<> set_param(u16 domain, u32 index, u64 value);

/// The whole saved state of a domain's vCPUs and platform (xen/hvm/save.h), in and out.
Result<std::vector<u8>> get_hvm_context(u16 domain);
Result<> set_hvm_context(u16 domain, std::span<u8> context);

Result<xen_sysctl_physinfo> physical_info();

/// XEN_SYSCTL_tbuf_op: what the hypervisor's trace notes, and where it is kept.
Result<xen_sysctl_tbuf_op> trace_op(u32 command, u32 event_mask = 0);

/// The hypervisor's own log, oldest line first.
Result<std::string> read_hypervisor_log();

}  // namespace dom0
