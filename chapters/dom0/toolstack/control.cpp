// The toolstack's levers.
#include "control.hpp"

namespace dom0 {
namespace {

Result<> domctl(xen_domctl& request, u32 command, u16 domain) {
    request.cmd = command;
    request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    request.domain = domain;
    TRY(checked(hypercall(__HYPERVISOR_domctl, address(&request))));
    return {};
}

Result<> simple_domctl(u32 command, u16 domain) {
    xen_domctl request = {};
    return domctl(request, command, domain);
}

Result<> sysctl(xen_sysctl& request, u32 command) {
    request.cmd = command;
    request.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    TRY(checked(hypercall(__HYPERVISOR_sysctl, address(&request))));
    return {};
}

}  // namespace

Result<u16> create_domain(const Limits& limits) {
    xen_domctl request = {};
    auto& create = request.u.createdomain;
    create.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    create.max_vcpus = limits.vcpus;
    create.max_evtchn_port = limits.event_ports;
    create.max_grant_frames = int32_t(limits.grant_frames);
    create.max_maptrack_frames = int32_t(limits.maptrack_frames);
    create.grant_opts = XEN_DOMCTL_GRANT_version(2);
    create.arch.emulation_flags = XEN_X86_EMU_LAPIC;

    // The number is asked of Xen: 0 would be ours, so it means "the next free one".
    TRY(domctl(request, XEN_DOMCTL_createdomain, 0));
    return u16(request.domain);
}

Result<> set_max_vcpus(u16 domain, u32 vcpus) {
    xen_domctl request = {};
    request.u.max_vcpus.max = vcpus;
    return domctl(request, XEN_DOMCTL_max_vcpus, domain);
}

Result<> set_max_memory(u16 domain, u64 kib) {
    xen_domctl request = {};
    request.u.max_mem.max_memkb = kib;
    return domctl(request, XEN_DOMCTL_max_mem, domain);
}

Result<> set_paging_pool(u16 domain, u64 bytes) {
    xen_domctl request = {};
    request.u.paging_mempool.size = bytes;
    return domctl(request, XEN_DOMCTL_set_paging_mempool_size, domain);
}

Result<> pause_domain(u16 domain) { return simple_domctl(XEN_DOMCTL_pausedomain, domain); }
Result<> unpause_domain(u16 domain) { return simple_domctl(XEN_DOMCTL_unpausedomain, domain); }

Result<> destroy_domain(u16 domain) {
    for (;;) {
        auto done = simple_domctl(XEN_DOMCTL_destroydomain, domain);
        bool unfinished = !done.ok() && (done.error().code == Errno::XEN_EBUSY ||
                                         done.error().code == Errno::XEN_EAGAIN);
        if (!unfinished) return done;
    }
}

Result<xen_domctl_getdomaininfo> domain_info(u16 from) {
    xen_domctl request = {};
    TRY(domctl(request, XEN_DOMCTL_getdomaininfo, from));
    return request.u.getdomaininfo;
}

Result<> set_param(u16 domain, u32 index, u64 value) {
    xen_hvm_param argument = {};
    argument.domid = domain;
    argument.index = index;
    argument.value = value;
    TRY(hvm_op(HVMOP_set_param, &argument));
    return {};
}

Result<std::vector<u8>> get_hvm_context(u16 domain) {
    // Without a buffer Xen only says how many bytes it would need.
    xen_domctl request = {};
    TRY(domctl(request, XEN_DOMCTL_gethvmcontext, domain));
    std::vector<u8> context(request.u.hvmcontext.size);
    set_xen_guest_handle(request.u.hvmcontext.buffer, context.data());
    TRY(domctl(request, XEN_DOMCTL_gethvmcontext, domain));
    if (request.u.hvmcontext.size > context.size()) return Error{Errno::XEN_ENOSPC};
    context.resize(request.u.hvmcontext.size);
    return context;
}

Result<> set_hvm_context(u16 domain, std::span<u8> context) {
    xen_domctl request = {};
    request.u.hvmcontext.size = u32(context.size());
    set_xen_guest_handle(request.u.hvmcontext.buffer, context.data());
    return domctl(request, XEN_DOMCTL_sethvmcontext, domain);
}

Result<xen_sysctl_physinfo> physical_info() {
    xen_sysctl request = {};
    TRY(sysctl(request, XEN_SYSCTL_physinfo));
    return request.u.physinfo;
}

Result<xen_sysctl_tbuf_op> trace_op(u32 command, u32 event_mask) {
    xen_sysctl request = {};
    request.u.tbuf_op.cmd = command;
    request.u.tbuf_op.evt_mask = event_mask;
    TRY(sysctl(request, XEN_SYSCTL_tbuf_op));
    return request.u.tbuf_op;
}

Result<std::string> read_hypervisor_log() {
    std::string log;
    u32 index = 0;
    for (;;) {
        char part[4096];
        xen_sysctl request = {};
        auto& console = request.u.readconsole;
        console.incremental = 1;
        console.index = index;
        console.count = sizeof part;
        set_xen_guest_handle(console.buffer, static_cast<char*>(part));
        TRY(sysctl(request, XEN_SYSCTL_readconsole));
        if (console.count == 0) return log;
        log.append(part, console.count);
        index = console.index;
    }
}

}  // namespace dom0
