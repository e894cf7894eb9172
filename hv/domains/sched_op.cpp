// sched_op: a guest gives its processor up, waits, or ends.
#include <domains/calls.hpp>
#include <xen/sched.h>

namespace hv {
namespace {

Answer yield(Call& call) {
    if (household(call.domain.machine).scheduler->anyone_waiting(call.cpu))
        call.cpu.asks.fetch_or(ask_reschedule, std::memory_order_relaxed);
    return 0;
}

/// Waits for an event. The guest's own mask is opened first, so that no wake-up is lost.
Answer wait_for_event(Call& call) {
    vcpu_info_t* info = call.vcpu.info;
    __atomic_store_n(&info->evtchn_upcall_mask, u8{0}, __ATOMIC_SEQ_CST);
    block(call.cpu, call.vcpu);
    if (__atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0)
        unblock(call.vcpu);
    return 0;
}

Answer end_domain(Call& call, u64 address) {
    sched_shutdown_t wish;
    TRY(call.read(wish, address));
    shut_down(call.cpu, call.domain, static_cast<u8>(wish.reason));
    return 0;
}

/// Only notes the reason: the domain shuts down later, and says no more then.
Answer note_shutdown_code(Call& call, u64 address) {
    sched_shutdown_t wish;
    TRY(call.read(wish, address));
    Guard guard{call.domain.lock};
    call.domain.shutdown_reason = static_cast<u8>(wish.reason);
    return 0;
}

Answer end_other_domain(Call& call, u64 address) {
    sched_remote_shutdown_t wish;
    TRY(call.read(wish, address));
    const DomainRef target = find_domain(call.domain.machine, wish.domain_id);
    if (!target)
        return refuse(XEN_ESRCH);
    if (!call.domain.privileged)
        return refuse(XEN_EPERM);
    shut_down(call.cpu, *target, static_cast<u8>(wish.reason));
    return 0;
}

}  // namespace

Answer sched_op(Call& call) {
    const u64 address = call.argument(1);
    const u32 operation = static_cast<u32>(call.argument(0));
    switch (operation) {
    case SCHEDOP_yield:
        return yield(call);
    case SCHEDOP_block:
        return wait_for_event(call);
    case SCHEDOP_shutdown:
        return end_domain(call, address);
    case SCHEDOP_shutdown_code:
        return note_shutdown_code(call, address);
    case SCHEDOP_remote_shutdown:
        return end_other_domain(call, address);
    case SCHEDOP_poll: {
        // Waiting for chosen ports is for whoever knows ports
        const auto poll = household(call.domain.machine).poll;
        return poll != nullptr ? poll(call) : refuse(XEN_ENOSYS);
    }
    case SCHEDOP_pin_override:
        return refuse(XEN_EPERM);
    default:
        return refuse(XEN_ENOSYS);  // SCHEDOP_watchdog among them: nothing would bark
    }
}

}  // namespace hv
