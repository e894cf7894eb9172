// vcpu_op: a guest's own processors, up and down, their timers, and what they share with us.
#include <domains/calls.hpp>
#include <domains/hvm_context.hpp>
#include <domains/shared_info.hpp>
#include <domains/vcpu_start.hpp>
#include <xen/hvm/hvm_vcpu.h>

namespace hv {
namespace {

constexpr u64 shortest_period = 1'000'000;      ///< ns
constexpr u64 longest_period = 1ull << 62;      ///< ns: Xen's STIME_DELTA_MAX is of that size

Answer initialise(Call& call, Vcpu& vcpu, u64 address) {
    vcpu_hvm_context_t context;
    TRY(call.read(context, address));
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

/// Both areas are registered by an address that fits in the caller's handle.
Result<u64> read_area(Call& call, u64 address) {
    return call.read_long(address, 0);
}

Answer register_runstate(Call& call, Vcpu& vcpu, u64 address) {
    const Result<u64> area = read_area(call, address);
    TRY(area);
    // As on Xen: what cannot be written now may be there later
    (void)write_runstate(call.vcpu, *area, runstate_now(vcpu), call.wide);
    vcpu.runstate_area = *area;
    return 0;
}

Answer register_time(Call& call, Vcpu& vcpu, u64 address) {
    const Result<u64> area = read_area(call, address);
    TRY(area);
    vcpu.time_area = *area;
    if (&vcpu == &call.vcpu)
        show_time(vcpu);
    return 0;
}

Answer register_info(Call& call, Vcpu& vcpu, u64 address) {
    vcpu_register_vcpu_info_t wish;
    TRY(call.read(wish, address));
    return move_vcpu_info(vcpu, call.vcpu, Gfn{wish.mfn}, wish.offset);
}

/// Two vCPUs may change the timer of a third.
Answer change_periodic(Call& call, Vcpu& vcpu, u64 period) {
    Guard guard{call.domain.lock};
    set_periodic(call.cpu, vcpu, period);
    return 0;
}

Answer start_periodic(Call& call, Vcpu& vcpu, u64 address) {
    vcpu_set_periodic_timer_t wish;
    TRY(call.read(wish, address));
    if (wish.period_ns < shortest_period || wish.period_ns > longest_period)
        return refuse(XEN_EINVAL);
    return change_periodic(call, vcpu, wish.period_ns);
}

Answer start_singleshot(Call& call, Vcpu& vcpu, u64 address) {
    if (&vcpu != &call.vcpu)
        return refuse(XEN_EINVAL);
    // 32-bit code lays out twelve bytes: the padding after the flags is not read
    vcpu_set_singleshot_timer_t wish{};
    TRY(call.read(&wish, address, 12));
    // As on Xen, VCPU_SSHOTTMR_future is ignored: a time gone by expires at once
    call.cpu.timers.arm(call.cpu, vcpu.singleshot, wish.timeout_abs_ns);
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
    case VCPUOP_initialise:
        return initialise(call, vcpu, address);
    case VCPUOP_up:
        return go_up(vcpu);
    case VCPUOP_down:
        take_down(call.cpu, vcpu);
        return 0;
    case VCPUOP_is_up:
        return vcpu.down.load() ? 0 : 1;
    case VCPUOP_get_runstate_info:
        return write_runstate(call.vcpu, address, runstate_now(vcpu), call.wide);
    case VCPUOP_register_runstate_memory_area:
        return register_runstate(call, vcpu, address);
    case VCPUOP_register_vcpu_time_memory_area:
        return register_time(call, vcpu, address);
    case VCPUOP_register_vcpu_info:
        return register_info(call, vcpu, address);
    case VCPUOP_set_periodic_timer:
        return start_periodic(call, vcpu, address);
    case VCPUOP_stop_periodic_timer:
        return change_periodic(call, vcpu, 0);
    case VCPUOP_set_singleshot_timer:
        return start_singleshot(call, vcpu, address);
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
    case VCPUOP_get_physid:
        return refuse(XEN_EINVAL);  // only for a vCPU pinned for good
    default:
        return refuse(XEN_ENOSYS);
    }
}

Answer set_timer_op(Call& call) {
    // The older way to the one-shot timer: 32-bit code hands the time over in two registers
    const u64 deadline = call.wide ? call.argument(0)
                                   : call.argument(0) | call.argument(1) << 32;
    if (deadline == 0)
        TimerQueue::cancel(call.vcpu.singleshot);
    else
        call.cpu.timers.arm(call.cpu, call.vcpu.singleshot, deadline);
    return 0;
}

Answer vm_assist(Call& call) {
    if (static_cast<u32>(call.argument(1)) != VMASST_TYPE_runstate_update_flag)
        return refuse(XEN_EINVAL);
    switch (static_cast<u32>(call.argument(0))) {
    case VMASST_CMD_enable:
        call.domain.runstate_update_flag = true;
        return 0;
    case VMASST_CMD_disable:
        call.domain.runstate_update_flag = false;
        return 0;
    default:
        return refuse(XEN_ENOSYS);
    }
}

}  // namespace hv
