// hvm_op: the parameters between a guest and its toolstack, and how a guest hears of events.
#include <domains/calls.hpp>
#include <domains/shared_info.hpp>
#include <xen/hvm/params.h>
#include <xen/sched.h>

namespace hv {
namespace {

/// Who may set, or read, one parameter. Source: what Xen 4.17 answers a PVH guest and toolstack.
enum class Whose : u8 {
    nobody,     ///< a hole, or out of use: XEN_EINVAL
    toolstack,  ///< not the domain itself: XEN_EPERM
    guest_too,
};

Whose may_set(u32 index) {
    switch (index) {
    case HVM_PARAM_CALLBACK_IRQ:
    case HVM_PARAM_VM86_TSS:
    case HVM_PARAM_VM86_TSS_SIZED:
    case HVM_PARAM_ACPI_IOPORTS_LOCATION:
    case HVM_PARAM_VM_GENERATION_ID_ADDR:
    case HVM_PARAM_STORE_EVTCHN:
    case HVM_PARAM_CONSOLE_EVTCHN:
    case HVM_PARAM_X87_FIP_WIDTH: return Whose::guest_too;
    case HVM_PARAM_PAE_ENABLED:
    case HVM_PARAM_DM_DOMAIN:
    case HVM_PARAM_MEMORY_EVENT_CR0 ... HVM_PARAM_BUFIOREQ_EVTCHN:
    case HVM_PARAM_MEMORY_EVENT_MSR: return Whose::nobody;
    default: return index > HVM_PARAM_MCA_CAP ? Whose::nobody : Whose::toolstack;
    }
}

Whose may_get(u32 index) {
    switch (index) {
    case HVM_PARAM_STORE_PFN:
    case HVM_PARAM_CONSOLE_PFN:
    case HVM_PARAM_ALTP2M: return Whose::guest_too;
    default: return may_set(index);
    }
}

Result<> check(Whose whose, const Call& call, const Domain& target) {
    if (whose == Whose::nobody)
        return Error{XEN_EINVAL};
    if (whose == Whose::toolstack && &call.domain == &target)
        return Error{XEN_EPERM};
    return {};
}

/// HVM_PARAM_CALLBACK_IRQ: only the vector type exists here; the rest would need wires.
void set_callback(Call& call, Domain& target, u64 value) {
    const bool is_vector = value >> 56 == HVM_PARAM_CALLBACK_TYPE_VECTOR;
    target.callback_vector = is_vector ? static_cast<u8>(value) : 0;
    if (&target != &call.domain)
        return;
    latch_width(target, call.wide);
    for (Vcpu* vcpu : target.made_vcpus())
        notify(*vcpu, attention_interrupt);
}

Result<> set_parameter(Call& call, Domain& target, u32 index, u64 value) {
    TRY(check(may_set(index), call, target));
    if (index == HVM_PARAM_TIMER_MODE && value > HVMPTM_one_missed_tick_pending)
        return Error{XEN_EINVAL};
    if (index == HVM_PARAM_TRIPLE_FAULT_REASON && value > SHUTDOWN_MAX)
        return Error{XEN_EINVAL};
    if (index == HVM_PARAM_X87_FIP_WIDTH && value != 0 && value != 4 && value != 8)
        return Error{XEN_EINVAL};
    if (index == HVM_PARAM_ACPI_IOPORTS_LOCATION)
        return Error{XEN_ENODEV};  // no power-management ports here
    if (index == HVM_PARAM_MCA_CAP && target.params[index] != 0 && target.params[index] != value)
        return Error{XEN_EEXIST};
    target.params[index] = value;
    if (index == HVM_PARAM_CALLBACK_IRQ)
        set_callback(call, target, value);
    return {};
}

Answer exchange_parameter(Call& call, u64 address, bool set) {
    auto wish = TRY(call.read<xen_hvm_param_t>(address));
    if (wish.index >= HVM_NR_PARAMS)
        return refuse(XEN_EINVAL);
    const DomainRef target = TRY(target_of(call, wish.domid));
    if (set)
        return set_parameter(call, *target, wish.index, wish.value);
    TRY(check(may_get(wish.index), call, *target));
    wish.value = target->params[wish.index];
    return call.write(address, wish);
}

Answer set_upcall_vector(Call& call, u64 address) {
    // 32-bit code lays out the same eight bytes
    const auto wish = TRY(call.read<xen_hvm_evtchn_upcall_vector_t>(address));
    if (wish.vector < 0x10)
        return refuse(XEN_EINVAL);
    Vcpu* const vcpu = call.domain.find_vcpu(wish.vcpu);
    if (vcpu == nullptr)
        return refuse(XEN_ENOENT);
    vcpu->upcall_vector = wish.vector;
    vcpu->apic.raise(wish.vector);  // as on Xen: an event may have come before there was a vector
    return 0;
}

/// Every vCPU forgets the translations that it cached: all that a raised generation does.
Answer flush_tlbs(Call& call, u64 address) {
    if (address != 0)
        return refuse(XEN_EINVAL);
    shoot_down(call.domain);
    return 0;
}

/// All memory that a PVH guest has is plain RAM.
Answer give_memory_type(Call& call, u64 address) {
    auto wish = TRY(call.read<xen_hvm_get_mem_type_t>(address));
    const DomainRef target = TRY(target_of(call, wish.domid));
    const bool ram = wish.pfn < 1ull << 36 && target->p2m.look_up(Gfn{wish.pfn}).ok();
    wish.mem_type = ram ? HVMMEM_ram_rw : HVMMEM_mmio_dm;
    return call.write(address, wish);
}

}  // namespace

Answer hvm_op(Call& call) {
    const u64 address = call.argument(1);
    switch (static_cast<u32>(call.argument(0))) {
    case HVMOP_set_param: return exchange_parameter(call, address, true);
    case HVMOP_get_param: return exchange_parameter(call, address, false);
    case HVMOP_set_evtchn_upcall_vector: return set_upcall_vector(call, address);
    case HVMOP_get_time: return call.write(address, u64{call.domain.machine.clock.now()});
    case HVMOP_flush_tlbs: return flush_tlbs(call, address);
    case HVMOP_get_mem_type: return give_memory_type(call, address);
    case HVMOP_guest_request_vm_event: return refuse(XEN_EINVAL);  // nobody monitors
    case HVMOP_altp2m: return refuse(XEN_EOPNOTSUPP);
    default: return refuse(XEN_ENOSYS);
    }
}

}  // namespace hv
