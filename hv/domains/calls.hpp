// The hypercalls that chapter `domains` answers, and what their handlers share.
#pragma once

#include <domains/exits.hpp>
#include <domains/household.hpp>
#include <tuple>

namespace hv {

constexpr s64 refuse(Errno code) { return -static_cast<s64>(code); }

/// Answers the hypercall called `number`. XEN_ENOSYS: nobody does.
Answer run_handler(Call& call, u64 number);

/// VMCALL or VMMCALL: RAX names the hypercall, and takes its answer.
inline Outcome answer_hypercall(Cpu& cpu, Vcpu& vcpu, const x86::Exit& exit) {
    x86::GeneralRegisters& gpr = vcpu.hardware.gpr;
    ++vcpu.domain.hypercalls;
    Call call{cpu, vcpu, exit.long_mode};
    const Answer answer =
        exit.privilege != 0 ? refuse(XEN_EPERM)
                            : run_handler(call, call.wide ? gpr.rax : static_cast<u32>(gpr.rax));
    if (answer == Call::again)
        return Outcome::repeat;
    gpr.rax = static_cast<u64>(answer.value);
    return Outcome::complete;
}

// One handler for each hypercall; the first argument is the sub-operation unless said otherwise.
Answer memory_op(Call& call);     ///< xen/memory.h: (cmd with start_extent above bit 6, argument)
Answer multicall(Call& call);     ///< xen/xen.h: (list, number of entries)
Answer set_timer_op(Call& call);  ///< xen/xen.h: (time, ns)
Answer xen_version(Call& call);   ///< xen/version.h
Answer console_io(Call& call);    ///< xen/xen.h: (cmd, count, buffer)
Answer vm_assist(Call& call);     ///< xen/xen.h: (cmd, type)
Answer vcpu_op(Call& call);       ///< xen/vcpu.h: (cmd, vCPU, argument)
Answer sched_op(Call& call);      ///< xen/sched.h
Answer hvm_op(Call& call);        ///< xen/hvm/hvm_op.h
Answer sysctl(Call& call);        ///< xen/sysctl.h: (one structure)
Answer domctl(Call& call);        ///< xen/domctl.h: (one structure)

/// XENMAPSPACE_shared_info: index 0 is the page, nothing else is.
Result<Mfn> shared_info_space(Domain& domain, u64 index);

/// The domain that a call names by number or as DOMID_SELF; empty when there is none.
inline DomainRef named_domain(Call& call, DomainId id) {
    return id == DOMID_SELF || id == call.domain.id ? hold(call.domain)
                                                    : find_domain(call.domain.machine, id);
}

/// Who may act on `target`: the domain itself, and a privileged one.
inline bool may_act_on(const Call& call, const Domain& target) {
    return call.domain.privileged || &call.domain == &target;
}

/// The domain that a call names and its caller may act on. XEN_ESRCH, XEN_EPERM.
inline Result<DomainRef> target_of(Call& call, DomainId id) {
    DomainRef target = named_domain(call, id);
    if (!target)
        return Error{XEN_ESRCH};
    if (!may_act_on(call, *target))
        return Error{XEN_EPERM};
    return target;
}

/// Reads a structure that 64-bit and 32-bit code lay out alike but for its longs and handles.
/// `Layout` is a template on those; its fields() are what is wanted of it.
template <template <class Long> class Layout>
[[gnu::always_inline]] inline Result<> read_layout(Call& call, u64 address, Layout<u64>& wide) {
    if (call.wide)
        return call.read(wide, address);
    Layout<u32> narrow;
    TRY(call.read(narrow, address));
    wide.fields() = narrow.fields();
    return {};
}

template <template <class Long> class Layout>
[[gnu::always_inline]] inline Result<Layout<u64>> read_layout(Call& call, u64 address) {
    Layout<u64> wide;
    TRY(read_layout(call, address, wide));
    return wide;
}

/// The read has found that its guest may go there. Until that guest runs nobody need ask again: a
/// CPU, too, would go on with a translation that it has. While the p2m is what it was, the frame is
/// the guest's.
template <class T>
[[gnu::always_inline]] inline Result<> Call::write_back(u64 address, const T& value) {
    const u64 place = address & mask_, offset = place & page_mask;
    {
        const Inside inside{whereabouts(cpu), domain.p2m};
        const SeenWalk& row = inside.here.walk_of(place >> page_shift, inside.generation);
        if (row.leads_to(place >> page_shift, inside.generation, true) &&
            offset + sizeof value <= page_size) [[likely]] {
            __builtin_memcpy(row.target + offset, &value, sizeof value);
            return {};
        }
    }
    return write(address, value);
}

/// A guest handle's address.
template <class Handle>
u64 address_in(const Handle& handle) {
    return reinterpret_cast<u64>(handle.p);
}

}  // namespace hv
