// A guest's own processors: vcpu_op brings them up and down, sets their timers and what they share
// with us; by sched_op they give way, wait, and end.
#include <domains/calls.hpp>
#include <domains/exits.hpp>
#include <domains/shared_info.hpp>
#include <domains/vcpu_start.hpp>
#include <xen/sched.h>

namespace hv {
namespace {

constexpr u64 shortest_period = 1'000'000;      ///< ns
constexpr u64 longest_period = 1ull << 62;      ///< ns: Xen's STIME_DELTA_MAX is of that size

Answer initialise(Call& call, Vcpu& vcpu, u64 address) {
    const auto context = TRY(call.read<vcpu_hvm_context_t>(address));
    Guard guard{call.domain.lock};
    if (vcpu.initialised)
        return refuse(XEN_EEXIST);
    return start_as_told(vcpu, context);
}

Answer go_up(Vcpu& vcpu) {
    Guard guard{vcpu.domain.lock};
    if (!vcpu.initialised)
        return refuse(XEN_EINVAL);
    if (vcpu.down.load())
        bring_up(vcpu);
    return 0;
}

Answer register_runstate(Call& call, Vcpu& vcpu, u64 address) {
    vcpu.runstate_area = TRY(call.read_long(address, 0));
    // As on Xen: what cannot be written now may be there later
    (void)write_runstate(call.vcpu, vcpu.runstate_area, runstate_now(vcpu), call.wide);
    return 0;
}

Answer register_time(Call& call, Vcpu& vcpu, u64 address) {
    vcpu.time_area = TRY(call.read_long(address, 0));
    vcpu.time_shown_until = 0;
    if (&vcpu == &call.vcpu)
        show_time(vcpu);
    return 0;
}

Answer register_info(Call& call, Vcpu& vcpu, u64 address) {
    const auto wish = TRY(call.read<vcpu_register_vcpu_info_t>(address));
    return move_vcpu_info(vcpu, call.vcpu, Gfn{wish.mfn}, wish.offset);
}

/// Starts the periodic timer; `period` in ns, 0 stops it. Two vCPUs may change that of a third.
Answer change_periodic(Call& call, Vcpu& vcpu, u64 period) {
    Guard guard{call.domain.lock};
    vcpu.period = period;
    if (period != 0)
        call.cpu.timers.arm(call.cpu, vcpu.periodic, call.cpu.machine->clock.now() + period);
    else
        TimerQueue::cancel(vcpu.periodic);
    return 0;
}

Answer start_periodic(Call& call, Vcpu& vcpu, u64 address) {
    const auto wish = TRY(call.read<vcpu_set_periodic_timer_t>(address));
    if (wish.period_ns < shortest_period || wish.period_ns > longest_period)
        return refuse(XEN_EINVAL);
    return change_periodic(call, vcpu, wish.period_ns);
}

/// Sets the caller's one-shot timer. A time gone by expires at once: the hardware would be late.
void set_singleshot(Call& call, u64 deadline) {
    VcpuTimer& timer = call.vcpu.singleshot;
    if (deadline > call.cpu.machine->clock.now())
        return call.cpu.timers.arm(call.cpu, timer, deadline);
    TimerQueue::cancel(timer);
    timer.action(timer, call.cpu);
}

Answer start_singleshot(Call& call, Vcpu& vcpu, u64 address) {
    if (&vcpu != &call.vcpu)
        return refuse(XEN_EINVAL);
    // 32-bit code lays out twelve bytes: the padding after the flags is not read
    vcpu_set_singleshot_timer_t wish{};
    TRY(call.read(&wish, address, 12));
    // As on Xen, VCPU_SSHOTTMR_future is ignored
    set_singleshot(call, wish.timeout_abs_ns);
    return 0;
}

}  // namespace

Answer vcpu_op(Call& call) {
    Vcpu* const found = call.domain.find_vcpu(static_cast<u32>(call.argument(1)));
    if (found == nullptr)
        return refuse(XEN_ENOENT);
    Vcpu& vcpu = *found;
    const u64 address = call.argument(2);
    switch (static_cast<u32>(call.argument(0))) {
    case VCPUOP_initialise: return initialise(call, vcpu, address);
    case VCPUOP_up: return go_up(vcpu);
    case VCPUOP_down:
        take_down(call.cpu, vcpu);
        return 0;
    case VCPUOP_is_up: return vcpu.down.load() ? 0 : 1;
    case VCPUOP_get_runstate_info:
        return write_runstate(call.vcpu, address, runstate_now(vcpu), call.wide);
    case VCPUOP_register_runstate_memory_area: return register_runstate(call, vcpu, address);
    case VCPUOP_register_vcpu_time_memory_area: return register_time(call, vcpu, address);
    case VCPUOP_register_vcpu_info: return register_info(call, vcpu, address);
    case VCPUOP_set_periodic_timer: return start_periodic(call, vcpu, address);
    case VCPUOP_stop_periodic_timer: return change_periodic(call, vcpu, 0);
    case VCPUOP_set_singleshot_timer: return start_singleshot(call, vcpu, address);
    case VCPUOP_stop_singleshot_timer:
        if (&vcpu != &call.vcpu)
            return refuse(XEN_EINVAL);
        TimerQueue::cancel(vcpu.singleshot);
        return 0;
    case VCPUOP_send_nmi:
        if (address != 0)
            return refuse(XEN_EINVAL);
        notify(vcpu, attention_nmi);
        return 0;
    case VCPUOP_get_physid: return refuse(XEN_EINVAL);  // only for a vCPU pinned for good
    default: return refuse(XEN_ENOSYS);
    }
}

Answer set_timer_op(Call& call) {
    // The older way to the one-shot timer: 32-bit code hands the time over in two registers
    const u64 deadline = call.wide ? call.argument(0)
                                   : call.argument(0) | call.argument(1) << 32;
    if (deadline == 0)
        TimerQueue::cancel(call.vcpu.singleshot);
    else
        set_singleshot(call, deadline);
    return 0;
}

Answer vm_assist(Call& call) {
    const u32 command = static_cast<u32>(call.argument(0));
    if (static_cast<u32>(call.argument(1)) != VMASST_TYPE_runstate_update_flag)
        return refuse(XEN_EINVAL);
    if (command != VMASST_CMD_enable && command != VMASST_CMD_disable)
        return refuse(XEN_ENOSYS);
    call.domain.runstate_update_flag = command == VMASST_CMD_enable;
    return 0;
}

namespace {

/// Waits for an event. The guest's own mask is opened first, so that no wake-up is lost.
Answer wait_for_event(Call& call) {
    PlacedVcpuInfo* info = call.vcpu.info;
    __atomic_store_n(&info->abi.evtchn_upcall_mask, u8{0}, __ATOMIC_SEQ_CST);
    block(call.cpu, call.vcpu);
    if (__atomic_load_n(&info->abi.evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0)
        unblock(call.vcpu);
    return 0;
}

Answer end_domain(Call& call, u64 address) {
    const auto wish = TRY(call.read<sched_shutdown_t>(address));
    shut_down(call.cpu, call.domain, static_cast<u8>(wish.reason));
    return 0;
}

/// Only notes the reason: the domain shuts down later, and says no more then.
Answer note_shutdown_code(Call& call, u64 address) {
    const auto wish = TRY(call.read<sched_shutdown_t>(address));
    Guard guard{call.domain.lock};
    call.domain.shutdown_reason = static_cast<u8>(wish.reason);
    return 0;
}

Answer end_other_domain(Call& call, u64 address) {
    const auto wish = TRY(call.read<sched_remote_shutdown_t>(address));
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
    switch (static_cast<u32>(call.argument(0))) {
    case SCHEDOP_yield:
        yield(call.cpu);
        return 0;
    case SCHEDOP_block: return wait_for_event(call);
    case SCHEDOP_shutdown: return end_domain(call, address);
    case SCHEDOP_shutdown_code: return note_shutdown_code(call, address);
    case SCHEDOP_remote_shutdown: return end_other_domain(call, address);
    case SCHEDOP_poll:
        // Waiting for chosen ports is for whoever knows ports
        if (const auto poll = household(call.domain.machine).poll)
            return poll(call);
        return refuse(XEN_ENOSYS);
    case SCHEDOP_pin_override: return refuse(XEN_EPERM);
    default: return refuse(XEN_ENOSYS);  // SCHEDOP_watchdog among them: nothing would bark
    }
}

}  // namespace hv
