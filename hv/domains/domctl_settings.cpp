// domctl, what a domain is given: tables' room, clocks, its hypercall page, its CPUID.
#include <domains/domctl.hpp>
#include <domains/shared_info.hpp>
#include <optional>

namespace hv {
namespace {

Answer set_paging_pool(DomctlCall& ctl) {
    const u64 bytes = ctl.op.u.paging_mempool.size;
    if (bytes % page_size != 0)
        return refuse(XEN_EINVAL);
    ctl.domain->p2m.pool = bytes >> page_shift;
    return 0;
}

Answer get_paging_pool(DomctlCall& ctl) {
    ctl.op.u.paging_mempool.size = ctl.domain->p2m.pool << page_shift;
    ctl.copy_back = true;
    return 0;
}

/// The older way to the same room, in MiB. The log of dirty frames belongs to migration.
Answer shadow(DomctlCall& ctl) {
    xen_domctl_shadow_op& shadow = ctl.op.u.shadow_op;
    switch (shadow.op) {
    case XEN_DOMCTL_SHADOW_OP_OFF:
        return 0;
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
        ctl.domain->p2m.pool = shadow.mb * MiB >> page_shift;
        return 0;
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
        shadow.mb = static_cast<u32>(ctl.domain->p2m.pool / (MiB >> page_shift));
        ctl.copy_back = true;
        return 0;
    default:
        return refuse(XEN_EOPNOTSUPP);
    }
}

Answer write_hypercall_page(DomctlCall& ctl) {
    const Gfn gfn{ctl.op.u.hypercall_init.gmfn};
    return show_hypercall_page(*ctl.domain, gfn).ok() ? 0 : refuse(XEN_EACCES);
}

Answer set_time_offset(DomctlCall& ctl) {
    ctl.domain->wall_offset_seconds = ctl.op.u.settimeoffset.time_offset_seconds;
    show_wall_clock(*ctl.domain);
    return 0;
}

// The TSC is never emulated (mode 2); the default (0) lets the hypervisor choose, and is the same
constexpr u32 tsc_default = 0, tsc_always_emulated = 1, tsc_never_emulated = 2;

Answer get_tsc_info(DomctlCall& ctl) {
    xen_domctl_tsc_info& info = ctl.op.u.tsc_info;
    const Clock& clock = ctl.call.domain.machine.clock;
    info = {};
    info.tsc_mode = tsc_never_emulated;
    info.gtsc_khz = static_cast<u32>(clock.ticks_per_second / 1000);
    info.elapsed_nsec = clock.to_ns(clock.ticks() + ctl.domain->tsc_offset);
    ctl.copy_back = true;
    return 0;
}

Answer set_tsc_info(DomctlCall& ctl) {
    if (ctl.domain == &ctl.call.domain)
        return refuse(XEN_EINVAL);
    switch (ctl.op.u.tsc_info.tsc_mode) {
    case tsc_default:
    case tsc_never_emulated:
        return 0;
    case tsc_always_emulated:
        return refuse(XEN_EOPNOTSUPP);
    default:
        return refuse(XEN_EINVAL);
    }
}

/// A PVH guest chooses its own word size; the toolstack only hears 64.
Answer set_address_size(DomctlCall& ctl) {
    return ctl.op.u.address_size.size == 64 ? 0 : refuse(XEN_EINVAL);
}

Answer get_address_size(DomctlCall& ctl) {
    ctl.op.u.address_size.size = 64;
    ctl.copy_back = true;
    return 0;
}

/// Writes CPUID leaves to the toolstack's list, and counts those for which there was no room.
struct LeafList {
    DomctlCall& ctl;
    const Vcpu& vcpu;
    u64 list;
    u32 room, count = 0;
    bool reachable = true;

    void put(u32 leaf, u32 subleaf) {
        const CpuidLeaf value =
            vcpu.domain.policy->look_up(vcpu, leaf, subleaf == XEN_CPUID_NO_SUBLEAF ? 0 : subleaf);
        const xen_cpuid_leaf_t line{leaf, subleaf, value.eax, value.ebx, value.ecx, value.edx};
        if (count < room && reachable)
            reachable = ctl.call.write(list + count * sizeof line, line).ok();
        ++count;
    }
    void put_subleaves(u32 leaf, u32 subleaves) {
        for (u32 subleaf = 0; subleaf < subleaves; ++subleaf)
            put(leaf, subleaf);
    }
};

void list_leaves(LeafList& leaves) {
    const CpuPolicy& policy = *leaves.vcpu.domain.policy;
    constexpr u32 extended = 0x80000000;
    const u32 last = policy.look_up(leaves.vcpu, 0, 0).eax;
    const u32 last_extended = policy.look_up(leaves.vcpu, extended, 0).eax;
    for (u32 leaf = 0; leaf <= last; ++leaf) {
        switch (leaf) {
        case 4: leaves.put_subleaves(leaf, 4); break;
        case 7: leaves.put_subleaves(leaf, 1); break;
        case 0xb: leaves.put_subleaves(leaf, 2); break;
        case 0xd: leaves.put_subleaves(leaf, 3); break;
        default: leaves.put(leaf, XEN_CPUID_NO_SUBLEAF);
        }
    }
    for (u32 leaf = extended; leaf <= last_extended; ++leaf)
        leaves.put(leaf, XEN_CPUID_NO_SUBLEAF);
}

Answer get_cpu_policy(DomctlCall& ctl) {
    xen_domctl_cpu_policy_t& policy = ctl.op.u.cpu_policy;
    if (ctl.domain->vcpu_count == 0)
        return refuse(XEN_ENOENT);
    // A vCPU's CR4 is read only where it runs, or while it stands still
    const bool own = ctl.domain == &ctl.call.domain;
    std::optional<Stillness> still;
    if (!own)
        still.emplace(ctl.call.cpu, *ctl.domain);
    Vcpu& vcpu = own ? ctl.call.vcpu : *ctl.domain->vcpus[0];
    LeafList leaves{ctl, vcpu, address_in(policy.leaves), policy.nr_leaves};
    list_leaves(leaves);
    if (!leaves.reachable)
        return refuse(XEN_EFAULT);
    if (leaves.count > policy.nr_leaves)
        return refuse(XEN_ENOBUFS);
    policy.nr_leaves = leaves.count;
    policy.nr_msrs = 0;
    ctl.copy_back = true;
    return 0;
}

constexpr DomctlRow rows[] = {
    {XEN_DOMCTL_set_paging_mempool_size, set_paging_pool},
    {XEN_DOMCTL_get_paging_mempool_size, get_paging_pool},
    {XEN_DOMCTL_shadow_op, shadow},
    {XEN_DOMCTL_hypercall_init, write_hypercall_page},
    {XEN_DOMCTL_settimeoffset, set_time_offset},
    {XEN_DOMCTL_gettscinfo, get_tsc_info},
    {XEN_DOMCTL_settscinfo, set_tsc_info},
    {XEN_DOMCTL_set_address_size, set_address_size},
    {XEN_DOMCTL_get_address_size, get_address_size},
    {XEN_DOMCTL_get_cpu_policy, get_cpu_policy},
};

}  // namespace

constinit const std::span<const DomctlRow> domctl_settings{rows};

}  // namespace hv
