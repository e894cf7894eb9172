// domctl, one vCPU at a time: what it does, where it may run, and its state as records.
#include <algorithm>
#include <domains/domctl.hpp>
#include <domains/hvm_context.hpp>
#include <domains/shared_info.hpp>

namespace hv {
namespace {

/// The vCPU with that number. XEN_EINVAL: no domain has so many; XEN_ESRCH: this one has it not.
Result<Vcpu*> find_vcpu(Domain& domain, u32 number) {
    if (number >= max_vcpus)
        return Error{XEN_EINVAL};
    Vcpu* const found = domain.find_vcpu(number);
    return found != nullptr ? Result<Vcpu*>{found} : Error{XEN_ESRCH};
}

Answer give_vcpu_info(DomctlCall& ctl) {
    xen_domctl_getvcpuinfo& info = ctl.op.u.getvcpuinfo;
    const auto found = find_vcpu(*ctl.domain, info.vcpu);
    TRY(found);
    const Vcpu& vcpu = **found;
    info.online = !vcpu.down.load();
    info.blocked = vcpu.blocked.load();
    info.running = vcpu.running;
    info.cpu_time = runstate_now(vcpu).time[RUNSTATE_running];
    info.cpu = vcpu.cpu;
    ctl.copy_back = true;
    return 0;
}

/// Writes `mask` into the caller's bitmap, zeros beyond.
Result<> write_bitmap(Call& call, const xenctl_bitmap_t& bitmap, u32 mask) {
    const u32 bytes = std::min<u32>((bitmap.nr_bits + 7) / 8, max_cpus * 8);
    for (u32 i = 0; i < bytes; ++i) {
        const u8 part = i < sizeof mask ? static_cast<u8>(mask >> i * 8) : 0;
        TRY(call.write(address_in(bitmap.bitmap) + i, part));
    }
    return {};
}

Result<u32> read_bitmap(Call& call, const xenctl_bitmap_t& bitmap) {
    u32 mask = 0;
    const u32 bits = std::min<u32>(bitmap.nr_bits, 32);
    TRY(call.read(&mask, address_in(bitmap.bitmap), (bits + 7) / 8));
    return bits < 32 ? mask & ((1u << bits) - 1) : mask;
}

u32 all_cpus(const Call& call) { return (1u << call.domain.machine.cpu_count) - 1; }

Answer get_affinity(DomctlCall& ctl) {
    const xen_domctl_vcpuaffinity& wish = ctl.op.u.vcpuaffinity;
    const auto found = find_vcpu(*ctl.domain, wish.vcpu);
    TRY(found);
    if ((wish.flags & XEN_VCPUAFFINITY_HARD) &&
        !write_bitmap(ctl.call, wish.cpumap_hard, (*found)->affinity & all_cpus(ctl.call)).ok())
        return refuse(XEN_EFAULT);
    if ((wish.flags & XEN_VCPUAFFINITY_SOFT) &&
        !write_bitmap(ctl.call, wish.cpumap_soft, all_cpus(ctl.call)).ok())
        return refuse(XEN_EFAULT);
    return 0;
}

/// Only hard affinity is kept: a soft wish is heard and changes nothing.
Answer set_affinity(DomctlCall& ctl) {
    const xen_domctl_vcpuaffinity& wish = ctl.op.u.vcpuaffinity;
    const auto found = find_vcpu(*ctl.domain, wish.vcpu);
    TRY(found);
    if ((wish.flags & XEN_VCPUAFFINITY_HARD) == 0)
        return (wish.flags & XEN_VCPUAFFINITY_SOFT) ? 0 : refuse(XEN_EINVAL);
    const auto mask = read_bitmap(ctl.call, wish.cpumap_hard);
    TRY(mask);
    const u32 effective = *mask & all_cpus(ctl.call);
    if (effective == 0)
        return refuse(XEN_EINVAL);

    // Off its pCPU, then on again: it comes back only where it may
    Vcpu& vcpu = **found;
    Scheduler& scheduler = *household(ctl.call.domain.machine).scheduler;
    vcpu.pauses.fetch_add(1);
    scheduler.sleep(vcpu);
    vcpu.affinity = effective;
    vcpu.pauses.fetch_sub(1);
    scheduler.wake(vcpu);
    return write_bitmap(ctl.call, wish.cpumap_hard, effective);
}

Answer get_context(DomctlCall& ctl) {
    if (ctl.domain == &ctl.call.domain)
        return refuse(XEN_EINVAL);
    xen_domctl_hvmcontext& wish = ctl.op.u.hvmcontext;
    ctl.copy_back = true;
    if (address_in(wish.buffer) == 0) {
        wish.size = context_size(*ctl.domain);
        return 0;
    }
    const Stillness still{ctl.call.cpu, *ctl.domain};
    const auto size = save_context(ctl.call, *ctl.domain, address_in(wish.buffer), wish.size);
    wish.size = size.value_or(0);
    return size.ok() ? Answer{0} : size.error();
}

Answer set_context(DomctlCall& ctl) {
    if (ctl.domain == &ctl.call.domain)
        return refuse(XEN_EINVAL);
    const xen_domctl_hvmcontext& wish = ctl.op.u.hvmcontext;
    const Stillness still{ctl.call.cpu, *ctl.domain};
    return load_context(ctl.call, *ctl.domain, address_in(wish.buffer), wish.size);
}

Answer get_record(DomctlCall& ctl) {
    if (ctl.domain == &ctl.call.domain)
        return refuse(XEN_EINVAL);
    xen_domctl_hvmcontext_partial& wish = ctl.op.u.hvmcontext_partial;
    const Stillness still{ctl.call.cpu, *ctl.domain};
    const auto size = save_record(ctl.call, *ctl.domain, wish.type, wish.instance,
                                  address_in(wish.buffer), wish.bufsz);
    TRY(size);
    wish.bufsz = *size;
    ctl.copy_back = true;
    return 0;
}

Answer send_trigger(DomctlCall& ctl) {
    const auto found = find_vcpu(*ctl.domain, ctl.op.u.sendtrigger.vcpu);
    TRY(found);
    if (ctl.op.u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
        return refuse(XEN_ENOSYS);
    notify(**found, attention_nmi);
    return 0;
}

constexpr DomctlRow rows[] = {
    {XEN_DOMCTL_getvcpuinfo, give_vcpu_info},
    {XEN_DOMCTL_getvcpuaffinity, get_affinity},
    {XEN_DOMCTL_setvcpuaffinity, set_affinity},
    {XEN_DOMCTL_gethvmcontext, get_context},
    {XEN_DOMCTL_sethvmcontext, set_context},
    {XEN_DOMCTL_gethvmcontext_partial, get_record},
    {XEN_DOMCTL_sendtrigger, send_trigger},
};

}  // namespace

constinit const std::span<const DomctlRow> domctl_vcpus{rows};

}  // namespace hv
