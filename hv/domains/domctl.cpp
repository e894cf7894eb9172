// domctl: the toolstack's calls about one domain: its life, its limits, and what it is doing.
#include <algorithm>
#include <domains/domctl.hpp>
#include <domains/shared_info.hpp>
#include <domains/trace.hpp>

namespace hv {
namespace {

/// A PVH guest on nested tables, with a local APIC and nothing else: all that we make.
Result<> check_wish(const xen_domctl_createdomain& wish) {
    constexpr u32 needed = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    constexpr u32 known = needed | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain;
    if ((wish.flags & needed) != needed || (wish.flags & ~known) != 0)
        return Error{XEN_EINVAL};
    if (wish.arch.emulation_flags != XEN_X86_EMU_LAPIC ||
        (wish.arch.misc_flags & ~XEN_X86_MSR_RELAXED) != 0)
        return Error{XEN_EOPNOTSUPP};
    if (wish.iommu_opts != 0 || wish.vmtrace_size != 0 || wish.cpupool_id != 0 || wish.ssidref != 0)
        return Error{XEN_EINVAL};
    if (wish.max_vcpus == 0 || wish.max_vcpus > max_vcpus)
        return Error{XEN_EINVAL};
    return {};
}

Answer create(DomctlCall& ctl) {
    const xen_domctl_createdomain& wish = ctl.op.u.createdomain;
    TRY(check_wish(wish));
    // 0 and the reserved numbers mean: the next free one
    const DomainId id = ctl.op.domain < DOMID_FIRST_RESERVED ? ctl.op.domain : 0;
    const auto created = TRY(create_domain(ctl.call.domain.machine, ctl.call.cpu, id, wish));
    created->frames_limit = 0;
    show_wall_clock(*created);
    ctl.op.domain = created->id;
    return 0;
}

Answer destroy_one(DomctlCall& ctl) {
    return destroy(ctl.call.cpu, *ctl.domain) == Progress::again ? Call::again : 0;
}

Answer pause_one(DomctlCall& ctl) {
    {
        Guard guard{ctl.domain->lock};
        if (ctl.domain->paused_by_toolstack)
            return 0;
        ctl.domain->paused_by_toolstack = true;
        pause(*ctl.domain);
    }
    tell(ctl.call.cpu, domain_paused, ctl.domain->id, ctl.domain->id);
    return 0;
}

Answer unpause_one(DomctlCall& ctl) {
    {
        Guard guard{ctl.domain->lock};
        if (!ctl.domain->paused_by_toolstack)
            return refuse(XEN_EINVAL);
        ctl.domain->paused_by_toolstack = false;
    }
    const bool born = ctl.domain->life.load() == Life::building;
    const u64 gap = ctl.domain->machine.clock.now() - ctl.domain->paused_at;
    const Result<> unpaused = unpause(*ctl.domain);
    if (unpaused.ok() && !born)
        tell(ctl.call.cpu, domain_unpaused, ctl.domain->id, ctl.domain->id, gap / 1000);
    return unpaused;
}

/// What the toolstack sees of `domain`.
void describe(Domain& domain, xen_domctl_getdomaininfo_t& info) {
    info = {};
    info.domain = domain.id;
    info.max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;

    // Blocked when every vCPU that is up is; running when any of them is
    u32 flags = XEN_DOMINF_blocked;
    for (const Vcpu* vcpu : domain.made_vcpus()) {
        info.max_vcpu_id = vcpu->id;
        info.cpu_time += runstate_now(*vcpu).time[RUNSTATE_running];
        if (vcpu->down.load())
            continue;
        ++info.nr_online_vcpus;
        if (vcpu->blocked.load() == Blocked::no)
            flags &= ~XEN_DOMINF_blocked;
        if (vcpu->running)
            flags |= XEN_DOMINF_running;
    }
    const Life life = domain.life.load();
    info.flags = (info.nr_online_vcpus != 0 ? flags : 0) | XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;
    if (life >= Life::dying)
        info.flags |= XEN_DOMINF_dying;
    if (domain.paused_by_toolstack)
        info.flags |= XEN_DOMINF_paused;
    if (life == Life::shut_down)
        info.flags |= XEN_DOMINF_shutdown |
                      u32{domain.shutdown_reason} << XEN_DOMINF_shutdownshift;

    info.tot_pages = domain.frames_owned.load();
    info.max_pages = domain.frames_limit;
    info.shared_info_frame = domain.shared_info_frame.value;
    info.gpaddr_bits = 48;
    info.arch_config.emulation_flags = XEN_X86_EMU_LAPIC;
    __builtin_memcpy(info.handle, domain.handle, sizeof info.handle);
}

Answer give_info(DomctlCall& ctl) {
    const DomainRef found = next_domain(ctl.call.domain.machine, ctl.op.domain);
    if (!found)
        return refuse(XEN_ESRCH);
    describe(*found, ctl.op.u.getdomaininfo);
    ctl.op.domain = found->id;
    return 0;
}

Answer give_vcpu_info(DomctlCall& ctl) {
    xen_domctl_getvcpuinfo& info = ctl.op.u.getvcpuinfo;
    const Vcpu* const vcpu = ctl.domain->find_vcpu(info.vcpu);
    if (vcpu == nullptr)
        return refuse(info.vcpu < ctl.domain->vcpu_limit ? XEN_ESRCH : XEN_EINVAL);
    const bool blocked = vcpu->blocked.load() != Blocked::no;
    info = {info.vcpu, !vcpu->down.load(), blocked, vcpu->running.load(),
            runstate_now(*vcpu).time[RUNSTATE_running], vcpu->cpu.load()};
    return 0;
}

Answer make_vcpus(DomctlCall& ctl) {
    Domain& domain = *ctl.domain;
    const u32 wish = ctl.op.u.max_vcpus.max;
    Guard guard{domain.lock};
    if (wish != domain.vcpu_limit || domain.life.load() >= Life::dying)
        return refuse(XEN_EINVAL);
    while (domain.vcpu_count < wish)
        TRY(create_vcpu(domain, domain.vcpu_count));
    return 0;
}

/// KiB become frames. What the domain has already may be more: then it gets no more.
Answer set_max_mem(DomctlCall& ctl) {
    ctl.domain->frames_limit = ctl.op.u.max_mem.max_memkb >> (page_shift - 10);
    return 0;
}

/// How many frames its nested tables may take.
Answer set_paging_pool(DomctlCall& ctl) {
    const u64 bytes = ctl.op.u.paging_mempool.size;
    if (bytes % page_size != 0)
        return refuse(XEN_EINVAL);
    ctl.domain->p2m.pool = bytes >> page_shift;
    return 0;
}

/// What holds of a command, besides its handler; bits of DomctlRow::traits.
enum DomctlTraits : u8 {
    of_others = 1 << 0,    ///< XEN_EINVAL about the caller itself
    answers = 1 << 1,      ///< on success, the structure goes back to the caller
};

struct DomctlRow {
    u32 command;           ///< XEN_DOMCTL_*
    Answer (*handler)(DomctlCall& ctl);
    u8 traits = 0;         ///< DomctlTraits
};

constexpr DomctlRow rows[] = {
    {XEN_DOMCTL_createdomain, create, answers},
    {XEN_DOMCTL_destroydomain, destroy_one, of_others},
    {XEN_DOMCTL_pausedomain, pause_one, of_others},
    {XEN_DOMCTL_unpausedomain, unpause_one},
    {XEN_DOMCTL_getdomaininfo, give_info, answers},
    {XEN_DOMCTL_getvcpuinfo, give_vcpu_info, answers},
    {XEN_DOMCTL_max_vcpus, make_vcpus, of_others},
    {XEN_DOMCTL_max_mem, set_max_mem},
    {XEN_DOMCTL_set_paging_mempool_size, set_paging_pool},
    {XEN_DOMCTL_gethvmcontext, get_context, of_others | answers},
    {XEN_DOMCTL_sethvmcontext, set_context, of_others},
};

}  // namespace

Answer domctl(Call& call) {
    const u64 address = call.argument(0);
    auto op = TRY(call.read<xen_domctl_t>(address));
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return refuse(XEN_EACCES);
    // All but these two name a domain that must be there
    DomainRef target;
    if (op.cmd != XEN_DOMCTL_createdomain && op.cmd != XEN_DOMCTL_getdomaininfo) {
        target = find_domain(call.domain.machine, op.domain);
        if (!target)
            return refuse(XEN_ESRCH);
    }
    if (!call.domain.privileged)
        return refuse(XEN_EPERM);

    // Of a domain that was taken apart there is only its row, which getdomaininfo reads
    if (target && target->taken_apart.load() && op.cmd != XEN_DOMCTL_destroydomain)
        return refuse(XEN_ESRCH);
    const auto row = std::ranges::find(rows, op.cmd, &DomctlRow::command);
    if (row == std::end(rows))
        return refuse(XEN_ENOSYS);
    DomctlCall ctl{call, op, target ? &*target : nullptr};
    if (row->traits & of_others && ctl.domain == &call.domain)
        return refuse(XEN_EINVAL);
    const Answer answer = row->handler(ctl);
    return row->traits & answers && answer == 0 ? call.write(address, op) : answer;
}

}  // namespace hv
