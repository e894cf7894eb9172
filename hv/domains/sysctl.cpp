// sysctl: the toolstack's calls about the whole machine.
#include <algorithm>
#include <domains/domctl.hpp>
#include <domains/shootdown.hpp>
#include <xen/sysctl.h>

namespace hv {
namespace {

/// One sysctl in flight: the caller's structure, copied once and written back on success.
struct SysctlCall {
    Call& call;
    xen_sysctl_t& op;
    Machine& machine;
};

Result<> give_physinfo(SysctlCall& ctl) {
    xen_sysctl_physinfo& info = ctl.op.u.physinfo;
    const Machine& machine = ctl.machine;
    info = {};
    info.threads_per_core = 1;
    info.cores_per_socket = machine.cpu_count;
    info.nr_cpus = machine.cpu_count;
    info.max_cpu_id = machine.cpu_count - 1u;
    info.nr_nodes = 1;
    info.cpu_khz = static_cast<u32>(machine.clock.ticks_per_second / 1000);
    info.capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
                        XEN_SYSCTL_PHYSCAP_gnttab_v1;
    info.total_pages = machine.frames.ram_count();
    info.free_pages = machine.frames.free_count();
    info.max_mfn = machine.frames.frame_count() - 1;
    return {};
}

/// The hypervisor's own words: what dmesg shows. The index counts bytes ever written.
Result<> read_ring(SysctlCall& ctl) {
    xen_sysctl_readconsole& wish = ctl.op.u.readconsole;
    const Console& console = ctl.machine.console;
    const u64 written = console.written();
    const u64 oldest = written > Console::ring_size ? written - Console::ring_size : 0;
    const u64 wanted = (written & ~u64{UINT32_MAX}) | wish.index;
    u64 from = wish.incremental ? std::max(oldest, std::min(wanted, written)) : oldest;

    char chunk[256];
    u32 done = 0;
    while (done < wish.count) {
        const size_t got =
            console.copy_ring(from, chunk, std::min<size_t>(sizeof chunk, wish.count - done));
        if (got == 0)
            break;
        TRY(ctl.call.write(address_in(wish.buffer) + done, chunk, got));
        from += got;
        done += static_cast<u32>(got);
    }
    wish.count = done;
    wish.index = static_cast<u32>(from);
    return {};
}

Result<> list_domains(SysctlCall& ctl) {
    xen_sysctl_getdomaininfolist& wish = ctl.op.u.getdomaininfolist;
    u32 count = 0;
    DomainId from = wish.first_domain;
    while (count < wish.max_domains) {
        const DomainRef domain = next_domain(ctl.machine, from);
        if (!domain)
            break;
        xen_domctl_getdomaininfo_t info;
        describe(*domain, info);
        TRY(ctl.call.write(address_in(wish.buffer) + count * sizeof info, info));
        ++count;
        from = domain->id + 1;
    }
    wish.num_domains = count;
    return {};
}

/// How long each pCPU has been idle.
Result<> give_cpu_info(SysctlCall& ctl) {
    xen_sysctl_getcpuinfo& wish = ctl.op.u.getcpuinfo;
    const u32 count = std::min<u32>(wish.max_cpus, ctl.machine.cpu_count);
    for (u32 number = 0; number < count; ++number) {
        const xen_sysctl_cpuinfo_t info{whereabouts(*ctl.machine.cpus[number]).idle_time};
        TRY(ctl.call.write(address_in(wish.info) + number * sizeof info, info));
    }
    wish.nr_cpus = count;
    return {};
}

/// One socket, one thread a core, one node.
Result<> give_topology(SysctlCall& ctl) {
    xen_sysctl_cputopoinfo& wish = ctl.op.u.cputopoinfo;
    const u32 cpus = ctl.machine.cpu_count;
    const u64 list = address_in(wish.cputopo);
    for (u32 number = 0; list != 0 && number < std::min(wish.num_cpus, cpus); ++number) {
        const xen_sysctl_cputopo_t line{number, 0, 0};
        TRY(ctl.call.write(list + number * sizeof line, line));
    }
    wish.num_cpus = cpus;
    return {};
}

Result<> give_free_memory(SysctlCall& ctl) {
    ctl.op.u.availheap.avail_bytes = ctl.machine.frames.free_count() * page_size;
    return {};
}

struct SysctlRow {
    u32 command;
    Result<> (*handler)(SysctlCall& ctl);
};

constexpr SysctlRow rows[] = {
    {XEN_SYSCTL_readconsole, read_ring},       {XEN_SYSCTL_physinfo, give_physinfo},
    {XEN_SYSCTL_getdomaininfolist, list_domains}, {XEN_SYSCTL_getcpuinfo, give_cpu_info},
    {XEN_SYSCTL_cputopoinfo, give_topology},   {XEN_SYSCTL_availheap, give_free_memory},
};

}  // namespace

Answer sysctl(Call& call) {
    xen_sysctl_t op;
    const u64 address = call.argument(0);
    TRY(call.read(op, address));
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return refuse(XEN_EACCES);
    if (!call.domain.privileged)
        return refuse(XEN_EPERM);
    const auto wanted = [&](const SysctlRow& row) { return row.command == op.cmd; };
    const auto row = std::find_if(std::begin(rows), std::end(rows), wanted);
    if (row == std::end(rows))
        return refuse(XEN_ENOSYS);
    SysctlCall ctl{call, op, call.domain.machine};
    TRY(row->handler(ctl));
    return call.write(address, op);
}

}  // namespace hv
